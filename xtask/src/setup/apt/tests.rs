use super::*;

const HASH: &str = "447decc4b3c245edc1d0940bdf97c87e07b2e3bd4b24c4d0c7155d860d52bd5f";

#[test]
fn announcements_are_read() {
    let line = format!(
        "'http://mirror/pool/main/q/qemu/qemu-system-x86_11.1.3%2bds-1%7ebpo13%2b1_amd64.deb' \
         qemu-system-x86_1%3a11.1.3+ds-1~bpo13+1_amd64.deb 10377056 SHA256:{HASH}"
    );
    let download = parse_announcement(&line).unwrap();
    assert_eq!(download.package, "qemu-system-x86");
    assert_eq!(download.version, "1:11.1.3+ds-1~bpo13+1");
    assert_eq!(download.size_bytes, 10_377_056);
    assert_eq!(download.sha256, HASH);
}

#[test]
fn packages_are_read_from_a_plan_without_hashes() {
    let line = "'http://m/seabios_1.17.0-1%7ebpo13%2b1_all.deb' seabios_1%3a1.17.0-1~bpo13+1_all.deb 160548 ";
    assert_eq!(package_of(line).as_deref(), Some("seabios=1:1.17.0-1~bpo13+1"));
    assert_eq!(package_of("Reading package lists..."), None);
}

#[test]
fn announcements_without_a_usable_hash_or_with_a_path_are_refused() {
    for line in [
        "'http://m/a_1_all.deb' a_1_all.deb 10 MD5Sum:00".to_owned(),
        "'http://m/a_1_all.deb' a_1_all.deb 10 SHA256:abc".to_owned(),
        "'http://m/a_1_all.deb' a_1_all.deb 10".to_owned(),
        format!("'http://m/a_1_all.deb' ../a_1_all.deb 10 SHA256:{HASH}"),
        format!("'http://m/a_1_all.deb' a_1_all.deb ten SHA256:{HASH}"),
    ] {
        assert_eq!(parse_announcement(&line), None, "{line}");
    }
}

#[test]
fn damaged_downloads_are_removed_and_partial_ones_kept() {
    let folder = tempfile::tempdir().unwrap();
    let download = |name: &str| Download {
        package: name.to_owned(),
        version: "1".to_owned(),
        file: name.to_owned(),
        size_bytes: 3,
        sha256: "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad".to_owned(),
    };
    let downloads = ["good", "damaged", "partial", "absent"].map(download);
    fs::write(folder.path().join("good"), "abc").unwrap();
    fs::write(folder.path().join("damaged"), "abX").unwrap();
    fs::write(folder.path().join("partial"), "ab").unwrap();
    let names: Vec<_> =
        unfinished(folder.path(), &downloads).unwrap().into_iter().map(|download| download.file.as_str()).collect();
    assert_eq!(names, ["damaged", "partial", "absent"]);
    assert!(!folder.path().join("damaged").exists());
    assert!(folder.path().join("partial").exists());
}

fn stanza(uri: &str, release: &str, extra: &str) -> String {
    format!("MetaKey: main/binary-amd64/Packages\n{extra}Component: main\nRelease: {release}\nRepo-URI: {uri}\n\n")
}

#[test]
fn the_mirror_is_the_main_archive() {
    let targets = [
        stanza("http://other/", "nodistro", "Label: Node\nOrigin: Node\n"),
        stanza("http://mirror/security/", "bookworm-security", "Label: Debian-Security\nOrigin: Debian\n"),
        stanza("http://mirror/debian/", "bookworm", "Label: Debian\nOrigin: Debian\nSigned-By: /keys.gpg\n"),
    ]
    .concat();
    let mirror = find_mirror(&targets, "bookworm").unwrap();
    assert_eq!(mirror.uri, "http://mirror/debian/");
    assert_eq!(mirror.keyring.as_deref(), Some("/keys.gpg"));
}

#[test]
fn without_package_lists_the_release_tells_the_main_archive() {
    let targets = [
        stanza("http://other/", "stable", ""),
        stanza("http://mirror/security/", "bookworm-security", ""),
        stanza("http://mirror/debian/", "bookworm", ""),
    ]
    .concat();
    assert_eq!(find_mirror(&targets, "bookworm").unwrap().uri, "http://mirror/debian/");
    assert_eq!(find_mirror(&targets, "noble"), None);
}

#[test]
fn the_private_root_keeps_the_proxy_and_drops_the_hooks() {
    let machine = "APT::Update::Post-Invoke:: \"rm -f /var/cache/apt/*\";\n\
                   Acquire::http::Proxy \"http://proxy:3128\";\n\
                   Acquire::IndexTargets::deb::DEP-11::MetaKey \"x\";\n";
    let config = private_config(Path::new("/cache/apt"), machine, None);
    assert!(config.contains("Acquire::http::Proxy \"http://proxy:3128\";\n"));
    assert!(config.contains("Dir::State::status \"/cache/apt/state/status\";\n"));
    assert!(!config.contains("Post-Invoke") && !config.contains("DEP-11"), "{config}");
}

#[test]
fn only_the_exact_upstream_version_serves() {
    let madison = " rust-src | 1.95.10+dfsg1-1 | http://m trixie-backports/main amd64 Packages\n \
                   rust-src | 1.95.1+dfsg1-2~bpo13+1 | http://m trixie-backports/main amd64 Packages\n \
                   rust-src | 1.85.1+dfsg1-1+deb13u1 | http://m trixie/main amd64 Packages\n";
    assert_eq!(revision_of(madison, "1.95.1"), Some("1.95.1+dfsg1-2~bpo13+1"));
    assert_eq!(revision_of(madison, "1.85.1"), Some("1.85.1+dfsg1-1+deb13u1"));
    assert_eq!(revision_of(madison, "1.95"), None);
}
