//! Sets of indexes of a Job, written as `0,2-5`.
//!
//! See <https://kubernetes.io/docs/concepts/workloads/controllers/job/#completion-mode>.

/// How many indexes there are, all below `completions` and in order.
pub(super) fn count(text: &str, completions: i32) -> Result<i64, String> {
    let mut last: Option<i64> = None;
    let mut total = 0;
    for part in parts(text) {
        let (first, end) = interval(part, completions)?;
        if let Some(last) = last.filter(|last| *last >= first) {
            return Err(format!("non-increasing order, previous: {last}, current: {first}"));
        }
        total += end - first + 1;
        last = Some(end);
    }
    Ok(total)
}

/// Refuses an index that is in both sets. Parts that are no intervals are left out.
pub(super) fn disjoint(completed: &str, failed: &str, completions: i32) -> Result<(), String> {
    let of = |text| -> Vec<(i64, i64)> {
        parts(text).filter_map(|part| interval(part, completions).ok()).collect()
    };
    let (completed, failed) = (of(completed), of(failed));
    let (mut completed, mut failed) = (completed.iter().peekable(), failed.iter().peekable());
    while let (Some(&&(c, c_end)), Some(&&(f, f_end))) = (completed.peek(), failed.peek()) {
        if c <= f_end && f <= c_end {
            let index = c.max(f);
            return Err(format!("failedIndexes and completedIndexes overlap at index: {index}"));
        }
        if c <= f {
            completed.next();
        } else {
            failed.next();
        }
    }
    Ok(())
}

fn parts(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').filter(move |_| !text.is_empty())
}

/// The first and the last index of `3` or `2-5`.
fn interval(text: &str, completions: i32) -> Result<(i64, i64), String> {
    let index = |text: &str| match text.parse::<i64>() {
        Err(_) => Err(format!("cannot convert string to integer for index: {}", meta::quote(text))),
        Ok(index) if index >= i64::from(completions) => {
            Err(format!("too large index: {}", meta::quote(text)))
        }
        Ok(index) => Ok(index),
    };
    let Some((first, end)) = text.split_once('-') else {
        return index(text).map(|index| (index, index));
    };
    if end.contains('-') {
        return Err(format!(
            "the fragment {} violates the requirement that an index interval can have at most two \
             parts separated by '-'",
            meta::quote(text)
        ));
    }
    let (first, end) = (index(first)?, index(end)?);
    if first >= end {
        return Err(format!("non-increasing order, previous: {first}, current: {end}"));
    }
    Ok((first, end))
}
