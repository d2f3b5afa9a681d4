use super::*;
use crate::control::Control;
use rand::{RngExt, SeedableRng, rngs::ChaCha8Rng};

/// Paths of an estate: system programs, and applications whose directories carry versions, GUIDs, dates, locales and random names.
fn estate(random: &mut ChaCha8Rng) -> Vec<String> {
    let mut paths: Vec<String> = ["smss", "csrss", "wininit", "services", "svchost", "winlogon", "userinit", "lsass", "taskhostw", "conhost", "cmd", "dllhost"]
        .iter()
        .map(|name| format!(r"c:\windows\system32\{name}.exe"))
        .collect();
    paths.extend([r"c:\windows\explorer.exe".into(), r"c:\windows\system32\wbem\wmiprvse.exe".into()]);
    for _ in 0..60 {
        let (minor, update) = (random.random_range(4..9), random.random_range(1..400));
        for program in ["java.exe", "javaw.exe", "jp2launcher.exe"] {
            paths.push(format!(r"c:\program files\java\jre1.{minor}.0_{update}\bin\{program}"));
        }
        let number: u32 = random.random_range(1_000_000..99_999_999);
        paths.push(format!(r"c:\users\ann\appdata\local\temp\install_{number}.exe"));
        paths.push(format!(r"c:\program files\reader\{}.{}.{}\reader.exe", minor, update, number % 1000));
        paths.push(format!(r"c:\programdata\package cache\{{{:08x}-1234-4abc-9def-{:012x}}}\setup.exe", number, u64::from(number) * 7919));
        paths.push(format!(r"c:\windows\winsxs\amd64_servicing_{:08x}{:06x}\tiworker.exe", number.wrapping_mul(2_654_435_761), number));
    }
    paths.extend(["en-us", "pl-pl", "de-de", "fr-fr", "ja-jp", "it-it", "sv-se"].iter().map(|locale| format!(r"c:\program files\suite\{locale}\update.exe")));
    paths.sort();
    paths.dedup();
    paths
}

#[test]
fn java_under_another_version_is_closer_than_java_in_downloads() {
    let paths = estate(&mut ChaCha8Rng::seed_from_u64(5));
    let mut paths: Vec<&str> = paths.iter().map(String::as_str).collect();
    paths.extend([r"c:\users\ann\downloads\report.pdf.exe", r"c:\users\ann\downloads\setup.exe", r"c:\$recycle.bin\s-1-5-21-1\tool.exe"]);
    let learned = Normaliser::learn(&paths, 42, &Control::silent()).expect("trained");
    let vector = |path: &str| learned.vectors.path(&learned.rewrite(path));
    let known = vector(r"c:\program files\java\jre1.7.0_127\bin\java.exe");
    let cosine = |path: &str| clusters::cosine(&known, &vector(path));
    let version = cosine(r"c:\program files\java\jre1.8.0_231\bin\java.exe");
    let downloads = cosine(r"c:\users\ann\downloads\java.exe");
    let recycled = cosine(r"c:\$recycle.bin\s-1-5-21-1\java.exe");
    println!("java.exe, cosine with jre1.7.0_127: another version {version:.3}, Downloads {downloads:.3}, $Recycle.Bin {recycled:.3}");
    assert!(version > downloads + 0.05 && version > recycled + 0.05);
    println!("paths {}, words {}; {} clusters", learned.paths, learned.words, learned.clusters);
    for pattern in &learned.patterns {
        println!("{} merges {}: {:?}", pattern.regex.as_str(), pattern.merges, pattern.examples);
    }
    assert!(learned.paths.ratio() > 1.0 && learned.words.ratio() > 1.0);
    assert!(learned.patterns.iter().any(|pattern| pattern.name == "jre<version>_<digits>"));
    let again = Normaliser::learn(&paths, 42, &Control::silent()).expect("trained");
    assert_eq!(again.vectors.path(paths[0]), learned.vectors.path(paths[0]), "one thread, one seed, one result");
}

#[test]
fn a_cancel_is_heard_while_word_vectors_train() {
    let control = Control::silent();
    control.cancel.cancel();
    let paths = [r"c:\windows\system32\cmd.exe"; 3];
    assert!(matches!(Normaliser::learn(&paths, 1, &control), Err(RunError::Cancelled)));
}
