//! `device-model serve`: see [`device_model::serve`].

fn main() -> anyhow::Result<()> {
    device_model::serve::main()
}
