use super::*;

fn topic(id: &str, weight: u32, known: usize, exercises: &[(&str, u32)]) -> Topic {
    let exercise = |(id, minutes): &(&str, u32)| Exercise { id: (*id).to_owned(), minutes: *minutes, begun: false };
    Topic {
        id: id.into(),
        weight,
        questions: 20,
        known,
        wrong: 0,
        pace: 1.2,
        answered_minutes: known as f64 * 1.2,
        fresh: known == 0,
        lesson_minutes: 10,
        skim_minutes: 4,
        lesson_questions: if known == 0 { 6 } else { 0 },
        exercises: exercises.iter().map(exercise).collect(),
        also: Vec::new(),
        passed: 0,
    }
}

fn frame(evenings: usize, minutes: u32) -> Frame {
    Frame { minutes, spent: 0, due: vec![0; evenings], warm_up: false, mocks: None }
}

fn minutes(evening: &Evening) -> u32 {
    evening.iter().map(|(_, m)| m).sum()
}

/// Questions of a topic that are asked, in lessons or outside.
fn asked(plan: &Plan, of: &str) -> usize {
    let questions = |(task, _): &(Task, u32)| match task {
        Task::Lesson { topic, questions, .. } | Task::Questions { topic, questions } if topic == of => *questions,
        _ => 0,
    };
    plan.evenings.iter().flatten().map(questions).sum()
}

/// Exercises in the order in which they are done.
fn done(plan: &Plan) -> Vec<&str> {
    let all = plan.evenings.iter().flatten();
    all.filter_map(|(t, _)| if let Task::Exercise { id, whole: true, .. } = t { Some(id.as_str()) } else { None }).collect()
}

#[test]
fn everything_is_done_once_and_no_evening_overflows() {
    let topics = [topic("cap", 3, 0, &[]), topic("consensus", 3, 15, &[("raft", 60)]), topic("counters", 1, 0, &[("a", 45), ("b", 30)])];
    let plan = plan(&topics, &Frame { due: vec![10; 20], mocks: Some(Mocks::default()), ..frame(20, 40) });
    assert_eq!(plan.left_out, []);
    assert!(plan.evenings.iter().all(|e| minutes(e) <= 40), "{plan:#?}");
    for (id, of) in [("raft", 60), ("a", 45), ("b", 30)] {
        let of_it = |(t, _): &&(Task, u32)| matches!(t, Task::Exercise { id: i, .. } if i == id);
        let parts: Vec<&(Task, u32)> = plan.evenings.iter().flatten().filter(of_it).collect();
        assert_eq!(parts.iter().map(|(_, m)| m).sum::<u32>(), of, "{id}: {parts:?}");
        for (n, (task, _)) in parts.iter().enumerate() {
            assert_eq!(*task, Task::Exercise { id: id.into(), begun: n > 0, whole: n + 1 == parts.len() });
        }
    }
    assert_eq!(done(&plan), ["raft", "a", "b"]);
    for (id, left) in [("cap", 20), ("consensus", 5), ("counters", 20)] {
        assert_eq!(asked(&plan, id), left, "{id}");
    }
    let mock = |n: &usize| plan.evenings[*n].iter().any(|(t, _)| matches!(t, Task::Mock { .. }));
    assert_eq!((0..20).filter(mock).collect::<Vec<_>>(), [10, 18], "one evening is left to mend what the last one shows");
    assert_eq!(plan.evenings[0][1].0, Task::Lesson { topic: "cap".into(), skim: false, questions: 6 }, "after what is due");
}

#[test]
fn what_was_wrong_comes_back_as_a_review_alone() {
    let topics = [Topic { wrong: 1, ..topic("cap", 3, 19, &[]) }];
    let plan = plan(&topics, &Frame { due: vec![0, 1], ..frame(2, 40) });
    assert_eq!(plan.evenings, [vec![], vec![(Task::Review { questions: 1, due: 1 }, 1)]]);
    assert_eq!(plan.left_out, []);
}

#[test]
fn the_warm_up_is_first_and_nothing_else_comes_before_its_lessons() {
    let locks = Topic { also: vec!["lease".into()], ..topic("locks", 1, 0, &[]) };
    let topics =
        [topic("basics", 1, 0, &[("warm", 5)]), topic("counters", 1, 0, &[("a", 30)]), topic("cap", 3, 0, &[("lease", 60)]), locks];
    let all = |warm_up| plan(&topics, &Frame { warm_up, due: vec![3; 12], ..frame(12, 45) }).evenings.concat();
    let tasks = all(true);
    assert_eq!(tasks[0].0, Task::Exercise { id: "warm".into(), begun: false, whole: true }, "before what is due");
    assert!(matches!(&tasks[2].0, Task::Lesson { topic, .. } if topic == "basics"), "the others stand on it: {tasks:?}");
    let tasks = all(false);
    assert_eq!(tasks[0].0, Task::Review { questions: 3, due: 3 });
    let at = |wanted: &dyn Fn(&Task) -> bool| tasks.iter().position(|(task, _)| wanted(task)).unwrap();
    for (lesson, exercise) in [("basics", "warm"), ("counters", "a"), ("cap", "lease"), ("locks", "lease")] {
        let read = at(&|t| matches!(t, Task::Lesson { topic, .. } if topic == lesson));
        assert!(read < at(&|t| matches!(t, Task::Exercise { id, .. } if id == exercise)), "{lesson} before {exercise}: {tasks:?}");
    }
}

#[test]
fn what_is_begun_is_finished_before_what_is_better() {
    let mut topics = [topic("counters", 1, 10, &[("a", 30)]), topic("cap", 3, 10, &[("raft", 60)])];
    assert_eq!(done(&plan(&topics, &frame(9, 30))), ["raft", "a"]);
    topics[0].exercises[0].begun = true;
    assert_eq!(done(&plan(&topics, &frame(9, 30))), ["a", "raft"]);
}

#[test]
fn what_is_known_or_practised_gives_way() {
    let topics = [topic("cap", 2, 20, &[("a", 40)]), topic("locks", 2, 5, &[("b", 40), ("c", 40)]), topic("queues", 2, 5, &[("d", 40)])];
    assert_eq!(done(&plan(&topics, &frame(30, 30))), ["b", "d", "a", "c"], "one of each topic, and first what is less known");
    let plan = plan(&[topic("cap", 3, 18, &[]), topic("locks", 2, 5, &[])], &frame(1, 12));
    assert_eq!((asked(&plan, "cap"), asked(&plan, "locks")), (0, 10));
}

#[test]
fn what_does_not_fit_is_named() {
    let topics = [topic("cap", 3, 0, &[]), topic("consensus", 1, 0, &[("raft", 60), ("log", 90)])];
    let plan = plan(&topics, &Frame { mocks: Some(Mocks::default()), ..frame(2, 30) });
    let exercise = |id: &str| Task::Exercise { id: id.into(), begun: false, whole: true };
    assert_eq!(plan.left_out[plan.left_out.len() - 3..], [exercise("raft"), exercise("log"), Task::Mock { minutes: 20 }]);
    assert!(plan.evenings.iter().all(|e| !e.is_empty() && minutes(e) <= 30), "{plan:#?}");
}

/// Where even skimming every lesson takes longer than all evenings, those that weigh least are named.
#[test]
fn lessons_are_skimmed_before_they_are_left_out() {
    let topics: Vec<Topic> = (0..10).map(|n| topic(&format!("t{n}"), 1 + n % 3, 0, &[])).collect();
    let read = |nights, minutes| {
        let plan = plan(&topics, &Frame { mocks: Some(Mocks::default()), ..frame(nights, minutes) });
        let lessons =
            |whole: bool| plan.evenings.iter().flatten().filter(|(t, _)| matches!(t, Task::Lesson { skim, .. } if *skim != whole)).count();
        let left = plan.left_out.iter().filter(|task| matches!(task, Task::Lesson { .. })).count();
        (lessons(true), lessons(false), left)
    };
    assert_eq!(read(14, 45), (10, 0, 0));
    assert_eq!(read(3, 30), (3, 7, 0));
    assert_eq!(read(2, 20), (0, 10, 0));
    assert_eq!(read(1, 20), (0, 5, 5));
}

#[test]
fn tonight_shrinks_by_what_was_done_and_reviews_leave_room() {
    let topics = [topic("cap", 3, 0, &[("ring", 40)])];
    let spent = plan(&topics, &Frame { spent: 40, ..frame(3, 40) });
    assert_eq!(spent.evenings[0], [], "tonight is done");
    let flooded = plan(&topics, &Frame { due: vec![500, 0, 0], ..frame(3, 40) });
    assert_eq!(flooded.evenings[0][0], (Task::Review { questions: 33, due: 500 }, 20), "half of the evening");
    assert!(flooded.evenings[0].len() > 1, "{flooded:#?}");
}

#[test]
fn what_is_new_comes_back_with_some_of_it_twice() {
    let topics = [topic("cap", 3, 8, &[])];
    let reviews = |due: Vec<usize>| -> Vec<usize> {
        let evenings = plan(&topics, &Frame { due, ..frame(0, 40) }).evenings;
        let of = |(task, _): &(Task, u32)| if let Task::Review { questions, .. } = task { *questions } else { 0 };
        evenings.iter().map(|evening| evening.iter().map(of).sum()).collect()
    };
    // 12 new ones: 3 are answered wrong and due tomorrow; 9 are due on the evening after. Of these one in ten, and so on.
    assert_eq!(reviews(vec![0; 14]), [0, 3, 9, 4, 0, 1, 0, 0, 0, 0, 0, 0, 0, 8]);
    assert_eq!(reviews(vec![50, 0])[..2], [41, 16], "reviews take what is left, too");
}

#[test]
fn an_open_question_has_an_evening_that_holds_it() {
    let open = Topic { pace: 22.0, questions: 3, known: 0, fresh: false, lesson_questions: 0, ..topic("design", 3, 0, &[]) };
    let topics = [open, topic("cap", 1, 0, &[("ring", 200)])];
    let evenings = plan(&topics, &frame(6, 45)).evenings;
    let design = |e: &Evening| e.iter().any(|(t, m)| matches!(t, Task::Questions { topic, .. } if topic == "design") && *m >= 22);
    assert_eq!(evenings.iter().filter(|e| design(e)).count(), 3, "{evenings:#?}");
    let short = plan(&topics, &frame(6, 20));
    assert!(short.evenings[0].iter().any(|(t, _)| matches!(t, Task::Lesson { topic, .. } if topic == "cap")), "{short:#?}");
    assert!(short.left_out.contains(&Task::Questions { topic: "design".into(), questions: 3 }), "{short:#?}");
}

#[test]
fn short_evenings_and_few_of_them() {
    let topics = [topic("cap", 3, 0, &[("note", 5), ("ring", 40)])];
    for of_evening in [0, 3, 5, 10, 14, 20, 200] {
        for (evenings, over) in [(0, 0), (1, 0), (2, 0), (3, 0), (4, 3), (1, 6), (2, 12)] {
            let mocks = Some(Mocks { over, held: vec![] });
            for spent in [0, 12] {
                let plan = plan(&topics, &Frame { mocks: mocks.clone(), spent, warm_up: true, ..frame(evenings, of_evening) });
                assert_eq!(plan.evenings.len(), evenings);
                assert!(plan.evenings.iter().all(|e| minutes(e) <= of_evening), "{of_evening} {evenings} {over} {plan:#?}");
            }
        }
    }
    assert_eq!((mock_minutes(40), mock_minutes(45), mock_minutes(90)), (20, 45, 60));
}
