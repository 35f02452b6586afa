//! Gives back memory that counts as this process's own and is not used.

/// Gives free memory of the program's allocator back to the system, as far as this thread or threads that ended used it.
pub fn release_heap() {
    #[expect(unsafe_code, reason = "the allocator is asked in C")]
    // SAFETY: it takes no pointers, and memory that is in use is left alone.
    unsafe {
        libmimalloc_sys::mi_collect(true);
    }
}

/// The program's code and constants, where they are in memory.
#[derive(Debug)]
pub struct ProgramPages(Vec<std::ops::Range<usize>>);

impl ProgramPages {
    /// Finds them. They stay where they are, while the list of all mappings grows with each guest: so it is read once.
    ///
    /// # Errors
    ///
    /// If the system does not tell where the program is.
    #[cfg(target_os = "linux")]
    pub fn find() -> std::io::Result<Self> {
        let program = std::fs::read_link("/proc/self/exe")?;
        let maps = std::fs::read_to_string("/proc/self/maps")?;
        let constants = maps.lines().filter_map(|line| constant(line, &program.to_string_lossy()));
        Ok(Self(constants.collect()))
    }

    /// See the other form; elsewhere nothing is given back.
    ///
    /// # Errors
    ///
    /// None.
    #[cfg(not(target_os = "linux"))]
    pub fn find() -> std::io::Result<Self> {
        Ok(Self(Vec::new()))
    }

    /// Unmaps them. What still runs is mapped again from the page cache as it is called, in less than a millisecond for all of it; what only
    /// the start needed stays away, and is the first that the system takes when memory is short.
    ///
    /// A debugger's breakpoints are lost, since they are changes of the code that only this process sees.
    ///
    /// # Errors
    ///
    /// If the system refuses.
    pub fn release(&self) -> std::io::Result<()> {
        #[cfg(target_os = "linux")]
        for range in &self.0 {
            #[expect(unsafe_code, reason = "only an unsafe function gives advice on memory")]
            // SAFETY: the range is mapped from the program's own file for as long as it runs, and nobody could ever write to it: whatever is
            // read there next is read from that file again, and is the same.
            unsafe {
                let begin = std::ptr::with_exposed_provenance_mut(range.start);
                rustix::mm::madvise(begin, range.len(), rustix::mm::Advice::LinuxDontNeed)?;
            }
        }
        Ok(())
    }
}

/// The addresses of a line of `/proc/self/maps`, if it is of a part of the program that is as in its file: `begin-end r-xp offset device inode
/// path`. Code is, and so is what stands at the begin of the file, before it: relocations, constants, tables for unwinding. A part behind the
/// code that cannot be written to is no such part: it was written to when the program was loaded.
#[cfg(target_os = "linux")]
fn constant(line: &str, program: &str) -> Option<std::ops::Range<usize>> {
    let mut columns = line.split_ascii_whitespace();
    let (begin, end) = columns.next()?.split_once('-')?;
    let (rights, offset) = (columns.next()?, columns.next()?);
    let is_constant = match rights {
        "r-xp" => true,
        "r--p" => offset.bytes().all(|digit| digit == b'0'),
        _ => false,
    };
    let path = line.find('/').and_then(|at| line.get(at..))?;
    let address = |text| usize::from_str_radix(text, 16).ok();
    (is_constant && path == program).then(|| Some(address(begin)?..address(end)?))?
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_never_written_to_is_meant() {
        let program = "/opt/my tools/skiff";
        let found = |rights: &str, offset: &str, path: &str| {
            let line = format!("55d0a000-55d0c000 {rights} {offset} fd:00 131              {path}");
            constant(&line, program)
        };
        let range = Some(0x55d0_a000..0x55d0_c000);
        assert_eq!(found("r-xp", "00002000", program), range);
        assert_eq!(found("r--p", "00000000", program), range);
        assert_eq!(found("r--p", "04631000", program), None);
        assert_eq!(found("rw-p", "00000000", program), None);
        assert_eq!(found("r-xp", "00002000", "/lib/libc.so.6"), None);
        assert_eq!(constant("7ffe1000-7ffe3000 r-xp 00000000 00:00 0 [vdso]", program), None);
    }

    #[test]
    fn the_program_goes_on() {
        let pages = ProgramPages::find().expect("Linux tells where the program is");
        assert!(!pages.0.is_empty(), "its code is somewhere");
        for _ in 0..3 {
            release_heap();
            pages.release().expect("the system takes the advice");
        }
    }
}
