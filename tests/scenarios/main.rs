//! Scenarios: tests over whole boards. They need what `cargo xtask setup` prepares.

mod boot;
mod character_device;
mod device_failures;
mod driver;
mod driver_files;
mod endurance;
mod enumeration;
mod failures;
mod faults;
mod footprint;
mod hot_plug;
mod leftovers;
mod life;
mod msix;
mod playback;
mod posted_writes;
mod power;
mod pwm_chip;
mod register_tests;
mod registers;
mod sample_window;
mod served;
mod sound_programs;
mod support;
mod survival;
mod window_card;
