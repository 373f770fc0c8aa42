//! The picture of this exercise: one partition under both choices, side by side with what the clients were told.

use super::{ALICE, EQUAL, config};
use crate::exercises::kit::{N1, N2, Script};
use crate::exercises::two_banks::{AGAIN, ANSWERS, Choice, Request, Response, TAKES, TwoBanks};
use crate::rule::{Broken, Check};
use crate::sim::{Factory, NodeId};
use crate::trace::Probe;

enum Act {
    Cut,
    Heal,
    Ask(usize, NodeId, Request),
}

const PLOT: [Act; 10] = [
    Act::Ask(0, N1, Request::Read(ALICE)),
    Act::Cut,
    Act::Ask(0, N1, Request::Withdraw(ALICE, 60)),
    Act::Ask(1, N2, Request::Withdraw(ALICE, 60)),
    Act::Ask(0, N1, Request::Read(ALICE)),
    Act::Ask(1, N2, Request::Read(ALICE)),
    Act::Heal,
    Act::Ask(0, N1, Request::Read(ALICE)),
    Act::Ask(1, N2, Request::Read(ALICE)),
    Act::Ask(1, N2, Request::Withdraw(ALICE, 30)),
];

/// What a client was told, and after how many milliseconds.
type Told = (Option<Response>, u128);

/// Plays it under one choice. Gives what each request was answered, in order.
fn played(f: Factory<TwoBanks>, p: &Probe, choice: Choice) -> Result<Vec<Told>, Broken> {
    let mut s = Script::up(f, p, vec![config(choice); 2])?;
    let mut told = Vec::new();
    for act in &PLOT {
        match act {
            Act::Cut => s.cut(&[N2]),
            Act::Heal => {
                s.heal();
                s.run(AGAIN * 2 + TAKES * 2)?;
            }
            Act::Ask(client, node, request) => {
                let since = s.now();
                let ticket = s.ask_by(*client, *node, *request)?;
                let end = since + ANSWERS + TAKES;
                while s.now() < end && s.answer_to(ticket).is_none() {
                    s.run(crate::time::millis(1))?;
                }
                told.push((s.answer_to(ticket).copied(), s.now().since(since).as_millis()));
            }
        }
    }
    let [one, two] = [N1, N2].map(|node| s.view(node).unwrap_or_default());
    s.expect(EQUAL, one == two, || format!("the link has healed, but n1's copies say {one:?}, and n2's {two:?}"))?;
    Ok(told)
}

fn said((response, after): &Told) -> String {
    match (response, after) {
        (None, _) => "no answer".to_owned(),
        (Some(response), 0) => format!("{response:?}"),
        (Some(response), after) => format!("{response:?}, {after} ms"),
    }
}

pub(super) fn shown(f: Factory<TwoBanks>, p: &Probe) -> Check {
    let cp = played(f, p, Choice::Cp)?;
    let ap = played(f, p, Choice::Ap)?;
    let mut text = "The same partition under both choices. Alice has 100, and clients were told:\n".to_owned();
    text.push_str(&format!("  {:<32}{:<20}AP", "", "CP"));
    let mut answers = cp.iter().zip(&ap);
    for act in &PLOT {
        match act {
            Act::Cut => text.push_str("\n  -- the link between n1 and n2 is cut --"),
            Act::Heal => text.push_str("\n  -- the link heals --"),
            Act::Ask(client, node, request) => {
                let Some((cp, ap)) = answers.next() else { break };
                let asked = format!("c{} at {node}: {request:?}", client + 1);
                text.push_str(&format!("\n  {asked:<32}{:<20}{}", said(cp), said(ap)));
            }
        }
    }
    text.push_str(
        "\nUnder CP nobody was told anything false: of the two Unknown withdrawals, the one at n1, Alice's home, was made when the link was back, and the one at n2 \
         never reached it. Nobody got any money in the meantime. Under AP both got theirs at once, and the bank paid out more than there was, as it sees now. Neither is \
         a bug of yours: while the link is cut, one of the two must be given up, and your code has done both.",
    );
    p.remark(text);
    Ok(())
}
