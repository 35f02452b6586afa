//! The difference of two texts, line by line, in the unified format.
//!
//! Clients see these diffs in error messages, so lines are matched by the method of Ratcliff and Obershelp as the common libraries have it:
//! the longest common block first, then what is left and right of it, where lines that are very frequent do not start a block.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::ops::Range;

/// Lines of context around a change.
const CONTEXT: usize = 3;
/// From this length on, frequent lines are ignored when looking for blocks.
const LONG: usize = 200;

/// The unified diff, without file names. Empty for equal texts.
pub(crate) fn unified(old: &str, new: &str) -> String {
    let (old, new): (Vec<&str>, Vec<&str>) = (old.split('\n').collect(), new.split('\n').collect());
    let mut text = String::new();
    for hunk in hunks(&steps(&old, &new)) {
        let (first, last) = (&hunk[0], &hunk[hunk.len() - 1]);
        let old_range = shown(&(first.old.start..last.old.end));
        let new_range = shown(&(first.new.start..last.new.end));
        // Writing to a String cannot fail.
        let _ = writeln!(text, "@@ -{old_range} +{new_range} @@");
        for step in &hunk {
            let mut write = |mark: char, lines: &[&str]| {
                for line in lines {
                    text.push(mark);
                    text.push_str(line);
                    text.push('\n');
                }
            };
            if step.is_equal {
                write(' ', &old[step.old.clone()]);
            } else {
                write('-', &old[step.old.clone()]);
                write('+', &new[step.new.clone()]);
            }
        }
    }
    text
}

fn shown(range: &Range<usize>) -> String {
    match range.len() {
        1 => (range.start + 1).to_string(),
        0 => format!("{},0", range.start),
        length => format!("{},{length}", range.start + 1),
    }
}

/// Lines that stay, or lines that others replace.
#[derive(Clone)]
struct Step {
    is_equal: bool,
    old: Range<usize>,
    new: Range<usize>,
}

/// Equal lines that both texts have at these places.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Block {
    old: usize,
    new: usize,
    length: usize,
}

fn steps(old: &[&str], new: &[&str]) -> Vec<Step> {
    let mut steps = Vec::new();
    let (mut i, mut j) = (0, 0);
    let mut blocks = blocks(old, new);
    blocks.push(Block { old: old.len(), new: new.len(), length: 0 });
    for block in blocks {
        if i < block.old || j < block.new {
            steps.push(Step { is_equal: false, old: i..block.old, new: j..block.new });
        }
        (i, j) = (block.old + block.length, block.new + block.length);
        if block.length > 0 {
            steps.push(Step { is_equal: true, old: block.old..i, new: block.new..j });
        }
    }
    steps
}

/// Common blocks in order; neighbours are joined.
fn blocks(old: &[&str], new: &[&str]) -> Vec<Block> {
    let places = places(new);
    let mut found = Vec::new();
    let mut queue = vec![(0..old.len(), 0..new.len())];
    while let Some((a, b)) = queue.pop() {
        let block = longest(old, new, &places, (&a, &b));
        if block.length == 0 {
            continue;
        }
        queue.push((a.start..block.old, b.start..block.new));
        queue.push((block.old + block.length..a.end, block.new + block.length..b.end));
        found.push(block);
    }
    found.sort();
    let mut joined: Vec<Block> = Vec::new();
    for block in found {
        match joined.last_mut() {
            Some(last)
                if last.old + last.length == block.old && last.new + last.length == block.new =>
            {
                last.length += block.length;
            }
            _ => joined.push(block),
        }
    }
    joined
}

/// Where each line of the new text stands, without lines that are too frequent to tell anything.
fn places<'a>(new: &[&'a str]) -> HashMap<&'a str, Vec<usize>> {
    let mut places: HashMap<&str, Vec<usize>> = HashMap::new();
    for (index, line) in new.iter().enumerate() {
        places.entry(line).or_default().push(index);
    }
    if new.len() >= LONG {
        let frequent = new.len() / 100 + 1;
        places.retain(|_, indexes| indexes.len() <= frequent);
    }
    places
}

fn longest(
    old: &[&str],
    new: &[&str],
    places: &HashMap<&str, Vec<usize>>,
    (a, b): (&Range<usize>, &Range<usize>),
) -> Block {
    let mut best = Block { old: a.start, new: b.start, length: 0 };
    // Lengths of blocks that end at the previous old line and at each new one.
    let mut lengths: HashMap<usize, usize> = HashMap::new();
    for i in a.clone() {
        let mut next = HashMap::new();
        for &j in places.get(old[i]).into_iter().flatten().filter(|j| b.contains(j)) {
            let before = j.checked_sub(1).and_then(|j| lengths.get(&j)).copied();
            let length = before.unwrap_or_default() + 1;
            next.insert(j, length);
            if length > best.length {
                best = Block { old: i + 1 - length, new: j + 1 - length, length };
            }
        }
        lengths = next;
    }
    // Frequent lines do not start a block, yet they belong to one that they touch.
    while best.old > a.start && best.new > b.start && old[best.old - 1] == new[best.new - 1] {
        best = Block { old: best.old - 1, new: best.new - 1, length: best.length + 1 };
    }
    while best.old + best.length < a.end
        && best.new + best.length < b.end
        && old[best.old + best.length] == new[best.new + best.length]
    {
        best.length += 1;
    }
    best
}

/// Groups of steps that are close to each other, with context.
fn hunks(steps: &[Step]) -> Vec<Vec<Step>> {
    let mut hunks = Vec::new();
    let mut hunk: Vec<Step> = Vec::new();
    let last = steps.len().saturating_sub(1);
    for (index, step) in steps.iter().enumerate() {
        if !step.is_equal {
            hunk.push(step.clone());
            continue;
        }
        let head = |step: &Step| {
            let length = step.old.len().min(CONTEXT);
            Step {
                is_equal: true,
                old: step.old.start..step.old.start + length,
                new: step.new.start..step.new.start + length,
            }
        };
        let tail = |step: &Step| {
            let length = step.old.len().min(CONTEXT);
            Step {
                is_equal: true,
                old: step.old.end - length..step.old.end,
                new: step.new.end - length..step.new.end,
            }
        };
        if index == 0 {
            hunk.push(tail(step));
        } else if index == last {
            hunk.push(head(step));
        } else if step.old.len() > 2 * CONTEXT {
            hunk.push(head(step));
            hunks.push(std::mem::take(&mut hunk));
            hunk.push(tail(step));
        } else {
            hunk.push(step.clone());
        }
    }
    hunks.push(hunk);
    hunks.retain(|hunk| hunk.iter().any(|step| !step.is_equal));
    hunks
}

#[cfg(test)]
mod tests;
