//! Runs that are told two or three numbers, and break where no small one would break them.

use super::*;

/// An entry that comes in.
#[derive(Debug)]
#[allow(dead_code)]
struct Id(u64);

/// What comes in: a disk of a few ids, and one more, drawn near one of them or wild.
fn told(book: &Notebook, dice: &[Dice]) -> (Vec<u64>, u64) {
    let mut rng = book.cast(&dice[0]);
    let mut disk = Vec::new();
    for _ in 0..rng.below(5) {
        let id = rng.wild();
        if rng.keeps() {
            disk.push(id);
        }
    }
    drop(rng);
    let mut rng = book.cast(&dice[1]);
    let near = rng.pick(&disk).copied().unwrap_or(0);
    let id = if rng.chance(500_000) { rng.near(near) } else { rng.wild() };
    drop(rng);
    book.note(|noted| {
        noted.comes(&disk.iter().copied().map(Id).collect::<Vec<_>>());
        noted.comes(&Id(id));
    });
    (disk, id)
}

/// What the first seed that breaks it comes to, and the contrast.
fn smallest_that(breaks: impl Fn(&[u64], u64) -> bool) -> ((Vec<u64>, u64), Option<String>) {
    let dice = |seed| [Dice::stream(seed, 1), Dice::stream(seed, 2)];
    let seeds = (0..50_000).map(dice);
    let dice = seeds.into_iter().find(|dice| {
        let (disk, id) = told(&Notebook::default(), dice);
        breaks(&disk, id)
    });
    let (best, contrast) = smallest(&dice.expect("a seed breaks it"), &mut |dice, _| {
        let book = Notebook::new();
        let (disk, id) = told(&book, dice);
        Some(if breaks(&disk, id) { Tried::Same(book.noted()) } else { Tried::Fine(book.noted()) })
    });
    (told(&Notebook::default(), &best), contrast)
}

#[test]
fn a_threshold_is_what_is_left_and_its_neighbour_is_told() {
    for threshold in [3, 33, 1_001, 1_000_001, (1 << 53) + 7] {
        let (told, contrast) = smallest_that(|_, id| id >= threshold);
        // On the disk there is at most the one that it was drawn near to.
        assert_eq!(told.1, threshold);
        assert!(told.0.iter().all(|id| *id == threshold), "{told:?}");
        assert_eq!(contrast, Some(format!("Id({}) in the place of Id({threshold})", threshold - 1)));
    }
}

#[test]
fn one_number_alone_is_told_between_its_neighbours() {
    let (told, contrast) = smallest_that(|_, id| id == 65_537);
    assert_eq!(told, (vec![], 65_537));
    assert_eq!(contrast.as_deref(), Some("Id(65536) or Id(65538) in the place of Id(65537)"));
    // A float forgets the last bit beyond 2⁵³.
    let (told, contrast) = smallest_that(|_, id| id as f64 as u64 != id);
    assert_eq!(told.1, (1 << 53) + 1);
    assert_eq!(contrast.as_deref(), Some("Id(9007199254740992) or Id(9007199254740994) in the place of Id(9007199254740993)"));
    let (told, contrast) = smallest_that(|_, id| id == 0);
    assert_eq!((told.1, contrast.as_deref()), (0, Some("Id(1) in the place of Id(0)")));
    let (told, contrast) = smallest_that(|_, id| id == u64::MAX);
    assert_eq!(told, (vec![], u64::MAX));
    assert_eq!(contrast.as_deref(), Some("Id(18446744073709551614) in the place of Id(18446744073709551615)"));
}

/// A disk of bare numbers with a 1 on it: that a 1 in the place of the zero breaks nothing says nothing, as it is there already.
#[test]
fn a_number_that_stands_elsewhere_is_no_contrast() {
    let dice = (0..50_000).map(|seed| [Dice::stream(seed, 1), Dice::stream(seed, 2)]);
    let breaks = |(disk, id): &(Vec<u64>, u64)| disk.contains(&1) && *id == 0;
    let first = dice.into_iter().find(|dice| breaks(&told(&Notebook::default(), dice))).unwrap();
    let (best, contrast) = smallest(&first, &mut |dice, _| {
        let book = Notebook::new();
        let drawn = told(&book, dice);
        book.note(|noted| noted.text = format!("{:?} {:?}", drawn.0, Id(drawn.1)));
        Some(if breaks(&drawn) { Tried::Same(book.noted()) } else { Tried::Fine(book.noted()) })
    });
    assert_eq!((told(&Notebook::default(), &best), contrast.as_deref()), ((vec![1], 0), Some("Id(2) in the place of Id(0)")));
}

#[test]
fn what_is_cut_to_32_bits_stands_beside_what_it_is_taken_for() {
    let (told, _) = smallest_that(|disk, id| disk.iter().any(|known| *known != id && *known as u32 == id as u32));
    assert!(told == (vec![0], 1 << 32) || told == (vec![1 << 32], 0), "{told:?}");
}

#[test]
fn what_breaks_with_every_number_has_no_contrast() {
    let (told, contrast) = smallest_that(|_, _| true);
    assert_eq!((told, contrast), ((vec![], 0), None));
    // A small number that was only equal to another one is none.
    let (told, contrast) = smallest_that(|disk, id| disk.contains(&id));
    assert_eq!((told, contrast), ((vec![0], 0), None));
}

#[test]
fn when_the_budget_is_spent_what_was_reached_is_told() {
    let dice = [Dice::new(1), Dice::new(2)];
    let mut left = 0;
    let mut attempt = |dice: &[Dice], _| {
        let book = Notebook::new();
        told(&book, dice);
        left -= 1;
        (left >= 0).then(|| Tried::Same(book.noted()))
    };
    assert_eq!(smallest(&dice, &mut attempt), (dice.to_vec(), None));
    left = 5;
    let (best, contrast) = smallest(&dice, &mut |dice, purpose| {
        let book = Notebook::new();
        told(&book, dice);
        left -= 1;
        (left >= 0 || purpose == For::Contrast).then(|| Tried::Same(book.noted()))
    });
    assert!(best != dice && contrast.is_none());
}

#[test]
fn the_gist_of_a_sentence_is_in_no_number() {
    let one = gist("n2 found 1 increment, OpId(7); it should be 2: n2 acknowledged 2 increments");
    assert_eq!(one, gist("n3 found 20 increments, OpId(7), OpId(9); it should be 30"));
    assert_ne!(one, gist("n2 lost 1 increment, OpId(7)"));
}

#[test]
fn a_number_is_called_what_its_text_calls_it() {
    let named = |one: &str, other: &str| differing(one, other);
    let pair = |a: &str, b: &str| Some((a.to_owned(), b.to_owned()));
    assert_eq!(named("Log { index: 7, term: 1 }", "Log { index: 8, term: 1 }"), pair("index 7", "index 8"));
    assert_eq!(named("Counts({n1: 7})", "Counts({n1: 8})"), pair("n1: 7", "n1: 8"));
    assert_eq!(named("Write(7.c1 = 0)", "Write(8.c1 = 0)"), pair("7", "8"));
    assert_eq!(named("[Id(7), Id(7)]", "[Id(8), Id(8)]"), pair("Id(7)", "Id(8)"));
    assert_eq!(named("{n1: 0}, Id(0)", "{n1: 0}, Id(8)"), pair("Id(0)", "Id(8)"));
    // In two numbers; in its words; one that was there before; one that is there still.
    for (one, other) in [("7 9", "8 0"), ("Id(7)", "Ix(8)"), ("7 8", "8 8"), ("7 7", "7 8"), ("7", "7")] {
        assert_eq!(named(one, other), None, "{one} {other}");
    }
}
