//! What a guest's kernel and the processes on the host hold, to be compared after some cycles of something and after many.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;

use cosim_tests::{BoardError, Guest};

/// The kernel's argument with which it counts its objects exactly, each kind in a cache of its own, and remembers who has
/// allocated them. Without it freed objects that wait for their next use count as used.
pub(crate) const EXACT: &str = "slab_debug=U";

/// Has the kernel free what nobody uses any more: files, and what RCU keeps for a while. What is freed by the first round
/// and freed late is gone after the last. A kernel for one CPU keeps nothing for long and has no such parameter.
const FREE: &str = "rcu=/sys/module/rcutree/parameters/do_rcu_barrier
    for round in 1 2 3; do
        echo 3 >/proc/sys/vm/drop_caches
        [ ! -e $rcu ] || echo 1 >$rcu
    done";

/// Descriptions of virtual memory, which are freed by the thousand only: [`mapped`] has those in use.
const FREED_LATE: &str = "vmap_area";

/// What Linux 7.3.4 itself leaves of every sound card, by who has allocated it: `snd_info_card_disconnect()` forgets
/// the card's entries of `/proc/asound`, and `snd_info_card_free()` finds none to free.
const LEFT_BY_LINUX: &str = "snd_info_card_create";

/// In `/proc/meminfo`: what is no memory of the kernel's own, or only as long as there is a process.
const NOT_KEPT: [&str; 5] = ["MemFree", "AnonPages", "Cached", "PageTables", "KernelStack"];

const PAGE_BYTES: u64 = 4_096;

/// More of a kind than have been seen to come and go by themselves (ten), and less than what fifty cycles leave of which
/// every other one leaves one.
const OBJECTS_COME_AND_GO: u64 = 20;
/// The same of memory. On the default kernel nothing comes and goes; one for several CPUs has caches of its own, for 110 KiB.
const BYTES_COME_AND_GO: u64 = 150 << 10;

/// What a guest's kernel holds.
#[derive(Debug)]
pub(crate) struct Footprint {
    /// How many objects there are, by their kind.
    objects: BTreeMap<String, u64>,
    /// Memory of the kernel that is not for objects.
    bytes: u64,
    /// Memory of devices that is mapped, by whom; numbers of interrupts that are allocated; who handles them.
    lists: [Vec<String>; 3],
}

impl Footprint {
    /// What the kernel of a guest that was booted with [`EXACT`] holds now.
    pub(crate) fn of(guest: &Guest) -> Result<Self, BoardError> {
        // First, as it leaves something of every file that it opens.
        let left_by_linux = left_by_linux(guest)?;
        guest.run(["busybox", "sh", "-c", FREE])?.success()?;
        // At once: what reads them takes memory, too.
        let numbers = guest.run(["busybox", "cat", "/proc/meminfo", "/proc/zoneinfo", "/proc/slabinfo"])?.success()?;
        let numbers = numbers.text();
        let slabs: Vec<Slab<'_>> = numbers.lines().filter_map(Slab::parse).collect();
        let bytes = kernel_bytes(&numbers) - slabs.iter().map(|slab| slab.pages * PAGE_BYTES).sum::<u64>();
        let mut objects: BTreeMap<_, _> = slabs.iter().map(|slab| (slab.name.to_owned(), slab.objects)).collect();
        for (kind, count) in left_by_linux {
            objects.entry(kind).and_modify(|objects| *objects -= count);
        }
        let interrupts = guest.read_directory("/sys/kernel/irq")?.into_iter().map(|entry| entry.name);
        let vectors = guest.interrupts()?.vectors.into_iter();
        let handlers = vectors.map(|vector| format!("{} {} {:?}", vector.number, vector.source, vector.handlers));
        let mapped = mapped(&guest.read_text("/proc/vmallocinfo")?);
        Ok(Self { objects, bytes, lists: [mapped, interrupts.collect(), handlers.collect()] })
    }

    /// Asserts that some fifty cycles later or more there is no more than comes and goes by itself.
    pub(crate) fn assert_kept(&self, guest: &Guest) -> Result<(), BoardError> {
        let later = Self::of(guest)?;
        let mut leaks = String::new();
        for (kind, &after) in later.objects.iter().filter(|(kind, _)| *kind != FREED_LATE) {
            let before = self.objects.get(kind).copied().unwrap_or(0);
            if after > before + OBJECTS_COME_AND_GO {
                let traces = guest.read_text(&format!("/sys/kernel/debug/slab/{kind}/alloc_traces"))?;
                let many = many(&traces);
                let _ =
                    writeln!(leaks, "{kind}: {before} objects, then {after}; of these, many by one caller:\n{many}");
            }
        }
        assert!(leaks.is_empty(), "left behind:\n{leaks}");
        let (before, after) = (self.bytes, later.bytes);
        assert!(after <= before + BYTES_COME_AND_GO, "left behind: the kernel had {before} bytes, then {after}");
        assert_eq!(self.lists, later.lists, "left behind");
        Ok(())
    }
}

/// How many objects [`LEFT_BY_LINUX`] has allocated, by their kind: see [`many`]. The count is three lines before the name.
fn left_by_linux(guest: &Guest) -> Result<Vec<(String, u64)>, BoardError> {
    let script = format!("cd /sys/kernel/debug/slab; busybox grep -B 4 {LEFT_BY_LINUX} kmalloc-*/alloc_traces; :");
    let found = guest.run(["busybox", "sh", "-c", &script])?.success()?;
    let entry = |line: &str| {
        let (kind, line) = line.split_once("/alloc_traces-")?;
        Some((kind.to_owned(), line.split_whitespace().next()?.parse().ok()?))
    };
    Ok(found.text().lines().filter_map(entry).collect())
}

/// A line of `/proc/slabinfo`.
struct Slab<'a> {
    name: &'a str,
    /// Those in use.
    objects: u64,
    pages: u64,
}

impl<'a> Slab<'a> {
    /// "NAME OBJECTS-IN-USE OBJECTS OBJECT-BYTES OBJECTS-A-SLAB PAGES-A-SLAB : tunables 0 0 0 : slabdata SLABS SLABS 0";
    /// `None` for the heading.
    fn parse(line: &'a str) -> Option<Self> {
        let words: Vec<&str> = line.split_whitespace().collect();
        let number = |word: usize| words.get(word)?.parse::<u64>().ok();
        Some(Self { name: words.first()?, objects: number(1)?, pages: number(5)? * number(14)? })
    }
}

/// All memory of the kernel, by `/proc/meminfo` ("NAME: N kB") and the lists of free pages that each CPU has, in
/// `/proc/zoneinfo` ("count: N").
fn kernel_bytes(numbers: &str) -> u64 {
    let number = |text: &str| text.split_whitespace().next().and_then(|word| word.parse::<u64>().ok());
    let entries = numbers.lines().filter(|line| line.ends_with(" kB")).filter_map(|line| line.split_once(':'));
    let kibibytes: BTreeMap<_, _> = entries.filter_map(|(name, value)| Some((name, number(value)?))).collect();
    let not_kept: u64 = NOT_KEPT.iter().map(|name| kibibytes[name]).sum();
    let free_pages: u64 = numbers.lines().filter_map(|line| number(line.trim().strip_prefix("count:")?)).sum();
    (kibibytes["MemTotal"] - not_kept) * 1_024 - free_pages * PAGE_BYTES
}

/// The mappings of devices' memory in `/proc/vmallocinfo`, without their addresses.
fn mapped(text: &str) -> Vec<String> {
    let mappings = text.lines().filter(|line| line.ends_with(" ioremap"));
    let mut mapped: Vec<_> =
        mappings.filter_map(|line| Some(line.split_once(' ')?.1.trim_start().to_owned())).collect();
    mapped.sort();
    mapped
}

/// The paragraphs of `alloc_traces` that could have the leak: "COUNT CALLER ..." and where it was called.
fn many(traces: &str) -> String {
    let is_many = |trace: &&str| {
        let count = trace.split_whitespace().next().and_then(|word| word.parse::<u64>().ok());
        count.is_some_and(|count| count > OBJECTS_COME_AND_GO) && !trace.contains(LEFT_BY_LINUX)
    };
    traces.split("\n\n").filter(is_many).collect::<Vec<_>>().join("\n")
}

/// What a process on the host has open, and how often: files by their path, others by their kind.
pub(crate) fn descriptors(process: u32) -> BTreeMap<String, usize> {
    let mut kinds = BTreeMap::new();
    let entries = fs::read_dir(format!("/proc/{process}/fd")).expect("it runs");
    for target in entries.map_while(Result::ok).filter_map(|entry| fs::read_link(entry.path()).ok()) {
        // "socket:[12345]" and "anon_inode:[eventfd]": only the first has a number.
        let target = target.to_string_lossy().into_owned();
        let kind = target.split_once(":[").filter(|(kind, _)| *kind != "anon_inode").map(|(kind, _)| kind.to_owned());
        *kinds.entry(kind.unwrap_or(target)).or_default() += 1;
    }
    kinds
}
