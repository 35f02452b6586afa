//! Numbers of books, cards, people and colours.

/// Nine digits and one that proves them, which may be ten, written `X`. Spaces and dashes do not count.
pub(super) fn is_isbn10(text: &str) -> bool {
    let digits = without_gaps(text);
    let values: Option<Vec<u32>> = digits
        .char_indices()
        .map(|(at, c)| if at == 9 && c == 'X' { Some(10) } else { c.to_digit(10) })
        .collect();
    values.is_some_and(|values| {
        let sum: u32 = values.iter().zip(1..).map(|(digit, factor)| digit * factor).sum();
        values.len() == 10 && sum.is_multiple_of(11)
    })
}

/// Thirteen digits, of which the last proves the others.
pub(super) fn is_isbn13(text: &str) -> bool {
    let digits: Option<Vec<u32>> = without_gaps(text).chars().map(|c| c.to_digit(10)).collect();
    digits.is_some_and(|digits| {
        let sum: u32 = digits.iter().zip([1, 3].iter().cycle()).map(|(a, b)| a * b).sum();
        digits.len() == 13 && sum.is_multiple_of(10)
    })
}

fn without_gaps(text: &str) -> String {
    text.chars().filter(|c| !matches!(c, ' ' | '\t' | '\n' | '\r' | '\u{c}' | '-')).collect()
}

/// A number of one of the known issuers whose digits prove each other (ISO/IEC 7812). What is no digit does not count.
pub(super) fn is_credit_card(text: &str) -> bool {
    let digits: Vec<u32> = text.chars().filter_map(|c| c.to_digit(10)).collect();
    let number: String = text.chars().filter(char::is_ascii_digit).collect();
    let begins = |low: u32, high: u32, length: usize| {
        let start = number.get(..length).and_then(|start| start.parse().ok());
        start.is_some_and(|start: u32| (low..=high).contains(&start))
    };
    let is_issued = match digits.len() {
        13 => begins(4, 4, 1),
        14 => begins(300, 305, 3) || begins(36, 36, 2) || begins(38, 38, 2),
        15 => {
            begins(34, 34, 2) || begins(37, 37, 2) || begins(2131, 2131, 4) || begins(1800, 1800, 4)
        }
        16 => {
            begins(4, 4, 1)
                || begins(51, 55, 2)
                || begins(6011, 6011, 4)
                || begins(650, 659, 3)
                || begins(35, 35, 2)
        }
        _ => false,
    };
    let sum: u32 = digits
        .iter()
        .rev()
        .zip([1, 2].iter().cycle())
        .map(|(digit, factor)| {
            let product = digit * factor;
            product / 10 + product % 10
        })
        .sum();
    is_issued && sum.is_multiple_of(10)
}

/// Three, two and four digits with a space or dash between.
pub(super) fn is_social_security_number(text: &str) -> bool {
    text.len() == 11
        && text.bytes().enumerate().all(|(at, byte)| match at {
            3 | 6 => matches!(byte, b'-' | b' '),
            _ => byte.is_ascii_digit(),
        })
}

pub(super) fn is_hexadecimal_color(text: &str) -> bool {
    let digits = text.strip_prefix('#').unwrap_or(text);
    matches!(digits.len(), 3 | 6) && super::is_hexadecimal(digits)
}

/// `rgb(0, 127, 255)`
pub(super) fn is_rgb_color(text: &str) -> bool {
    let inside = text.strip_prefix("rgb(").and_then(|rest| rest.strip_suffix(')'));
    let Some(inside) = inside else { return false };
    let is_shade = |text: &str| {
        let text = text.trim_matches([' ', '\t', '\n', '\r', '\u{c}']);
        let is_plain = text == "0" || !text.starts_with(['0', '+']);
        is_plain && text.parse::<u8>().is_ok()
    };
    let shades: Vec<&str> = inside.split(',').collect();
    shades.len() == 3 && shades.into_iter().all(is_shade)
}
