//! Gives back memory that counts as this process's own and is not used.

/// Unmaps the pages of the program's code. What still runs is mapped again from the page cache as it is called, in less than a millisecond for
/// all of it; what only the start needed stays away, and is the first that the system takes when memory is short.
///
/// A debugger's breakpoints are lost, since they are changes of the code that only this process sees.
///
/// # Errors
///
/// If the system does not tell where the code is, or refuses.
#[cfg(target_os = "linux")]
pub fn release_code() -> std::io::Result<()> {
    let program = std::fs::read_link("/proc/self/exe")?;
    let maps = std::fs::read_to_string("/proc/self/maps")?;
    for range in maps.lines().filter_map(|line| code(line, &program.to_string_lossy())) {
        #[expect(unsafe_code, reason = "only an unsafe function gives advice on memory")]
        // SAFETY: the range is mapped from the program's own file, without the right to write: whatever is read there next is read from that
        // file again, and is the same.
        unsafe {
            let begin = std::ptr::with_exposed_provenance_mut(range.start);
            rustix::mm::madvise(begin, range.len(), rustix::mm::Advice::LinuxDontNeed)?;
        }
    }
    Ok(())
}

/// See the other form; elsewhere nothing is given back.
///
/// # Errors
///
/// None.
#[cfg(not(target_os = "linux"))]
pub fn release_code() -> std::io::Result<()> {
    Ok(())
}

/// The addresses of a line of `/proc/self/maps`, if it is of the program's code: `begin-end r-xp offset device inode   path`.
#[cfg(target_os = "linux")]
fn code(line: &str, program: &str) -> Option<std::ops::Range<usize>> {
    let mut columns = line.split_ascii_whitespace();
    let (begin, end) = columns.next()?.split_once('-')?;
    let is_code = columns.next()? == "r-xp";
    let path = line.find('/').and_then(|at| line.get(at..))?;
    let address = |text| usize::from_str_radix(text, 16).ok();
    (is_code && path == program).then(|| Some(address(begin)?..address(end)?))?
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn only_the_code_of_the_program_is_meant() {
        let program = "/opt/my tools/skiff";
        let line = |marks: &str, path: &str| {
            format!("55d0a000-55d0c000 {marks} 00002000 fd:00 131                        {path}")
        };
        let found = code(&line("r-xp", program), program);
        assert_eq!(found, Some(0x55d0_a000..0x55d0_c000));
        assert_eq!(code(&line("r--p", program), program), None);
        assert_eq!(code(&line("r-xp", "/lib/libc.so.6"), program), None);
        assert_eq!(code("7ffe1000-7ffe3000 r-xp 00000000 00:00 0 [vdso]", program), None);
    }

    #[test]
    fn the_program_goes_on() {
        for _ in 0..3 {
            release_code().expect("Linux tells where the code is");
        }
    }
}
