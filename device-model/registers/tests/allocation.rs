//! The access path does not allocate: it answers a CPU that is blocked.

use std::hint::black_box;
use std::sync::Arc;

use registers::{Description, RegisterFile};

#[test]
fn accesses_of_every_register_do_not_allocate() {
    let description = Description::parse(include_str!("assets/RP2040.svd")).unwrap();
    for name in ["PWM", "UART0", "TIMER"] {
        let map = Arc::new(description.peripheral_map(name, &[]).unwrap());
        let mut file = RegisterFile::new(Arc::clone(&map));
        let handles: Vec<_> = map.registers().map(|(handle, _)| handle).collect();
        let end = map.bytes() + 8;
        let counted = allocation_counter::measure(|| {
            for offset in 0..end {
                for bytes in [1, 2, 4, 8] {
                    black_box(file.write(offset, bytes, 0x5aa5_0ff0_1234_5678));
                    black_box(file.read(offset, bytes));
                }
            }
            for &handle in &handles {
                file.set(handle, file.get(handle) + 1);
            }
            file.reset();
        });
        assert_eq!(counted.count_total, 0, "{name}");
        // The counter counts.
        assert_eq!(allocation_counter::measure(|| drop(black_box(vec![0_u8; 16]))).count_total, 1);
    }
}
