//! Partitions as walls between lanes: which neighbours are cut off from each other, from the split to the heal.

use super::super::story::Story;
use super::super::{Lane, What};

/// What is cut at some moment, as far as it can be drawn between lanes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::trace) enum Wall {
    /// Groups that do not reach each other.
    Groups(Vec<Vec<Lane>>),
    /// Nothing gets out of this lane, or nothing gets in.
    OneWay(Lane),
}

/// The walls of a run: from which moment on, which stands; `None` once the network is whole, or if its cut has no such shape.
pub(in crate::trace) fn of(story: &Story) -> Vec<(usize, Option<Wall>)> {
    let change = |(index, moment): (usize, &super::super::story::Moment<'_>)| {
        moment.events.iter().find_map(|e| match &e.what {
            What::Splits { text } => Some((index, parse(text))),
            What::Heals => Some((index, None)),
            _ => None,
        })
    };
    story.moments.iter().enumerate().filter_map(change).collect()
}

/// `n1 n2 | n3`, `nothing gets out of n1`. A bridge and a ring have no two sides: the line that names them is all there is.
fn parse(text: &str) -> Option<Wall> {
    if let Some(lane) = text.strip_prefix("nothing gets out of ").or_else(|| text.strip_prefix("nothing gets in to ")) {
        return Lane::parse(lane.trim()).map(Wall::OneWay);
    }
    let group = |part: &str| part.split_whitespace().map(Lane::parse).collect::<Option<Vec<Lane>>>();
    let groups: Vec<Vec<Lane>> = text.split('|').map(group).collect::<Option<_>>()?;
    (groups.len() > 1 && groups.iter().all(|g| !g.is_empty())).then_some(Wall::Groups(groups))
}

impl Wall {
    /// The places right of which the wall stands, and whether it stops both ways. Lanes that belong to no side (clients) stand
    /// before it. Nothing if the sides alternate so often that one node would be walled off from its own.
    pub fn between(&self, lanes: &[Lane]) -> (Vec<usize>, bool) {
        let sided: Vec<(usize, usize)> = lanes.iter().enumerate().filter_map(|(i, l)| Some((i, self.side(*l)?))).collect();
        let turns: Vec<usize> = sided.windows(2).filter(|w| w[0].1 != w[1].1).map(|w| w[1].0 - 1).collect();
        match self {
            Wall::OneWay(_) => (turns, false),
            Wall::Groups(groups) if turns.len() < groups.len() => (turns, true),
            // One node between the others: it is walled in.
            Wall::Groups(_) if turns.len() == 2 && turns[1] - turns[0] == 1 => (turns, true),
            Wall::Groups(_) => (Vec::new(), true),
        }
    }

    /// On which side a lane is, if it is on one.
    pub fn side(&self, lane: Lane) -> Option<usize> {
        match self {
            Wall::Groups(groups) => groups.iter().position(|g| g.contains(&lane)),
            Wall::OneWay(alone) => lane.is_place().then(|| usize::from(lane == *alone)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn n(i: u8) -> Lane {
        Lane::Node(i - 1)
    }

    #[test]
    fn groups_stand_apart_where_they_are_neighbours() {
        let wall = parse("n1 n2 | n3 n4").expect("a wall");
        assert_eq!(wall.between(&[n(1), n(2), n(3), n(4)]), (vec![1], true));
        assert_eq!(wall.between(&[n(1), Lane::Client(0), n(3)]), (vec![1], true));
        let mixed = parse("n1 n3 | n2 n4").expect("a wall");
        assert_eq!(mixed.between(&[n(1), n(2), n(3), n(4)]), (vec![], true));
        let alone = parse("n2 | n1 n3").expect("a wall");
        assert_eq!(alone.between(&[n(1), n(2), n(3)]), (vec![0, 1], true));
    }

    #[test]
    fn one_way_cuts_stand_on_both_sides_of_the_lane() {
        let wall = parse("nothing gets in to n2").expect("a wall");
        assert_eq!(wall.between(&[n(1), n(2), n(3)]), (vec![0, 1], false));
        assert_eq!(parse("nothing gets out of n1").expect("a wall").between(&[n(1), n(2), n(3)]), (vec![0], false));
    }

    #[test]
    fn what_has_no_two_sides_has_no_wall() {
        for text in ["n1 | n3, bridged by n2", "each node reaches only its neighbours in a ring", "", "|", "n1 |"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
