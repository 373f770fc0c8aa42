//! What `watch` is made of: `files` notices saves, `engine` checks the text that was saved last and no other, `view` is the
//! screen as a pure function of what is known, `page` fits dressed text to a screen, `keys` says
//! what keys there are. The loop that joins them with keys and
//! signals is `commands/watch.rs`.

pub mod ahead;
pub mod engine;
pub mod files;
pub mod keys;
pub mod page;
pub mod view;
