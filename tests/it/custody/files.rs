//! Fault 6: files that residue writes ignored the umask, and the copied row ran formulas.

use super::{copy, evidence, pristine, text};
use residue::export::tab_row;

/// Runs the program under a umask.
#[cfg(unix)]
fn under(umask: &str, args: &[&str]) -> std::process::Output {
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", "umask \"$1\"; shift; exec \"$@\"", "sh", umask, env!("CARGO_BIN_EXE_residue")]).args(args);
    shell.output().unwrap()
}

#[cfg(unix)]
#[test]
fn fault_6_what_is_written_for_the_user_follows_the_umask() {
    use std::os::unix::fs::PermissionsExt;
    let home = tempfile::tempdir().unwrap();
    let given = home.path().join("F");
    evidence(&given, 3);
    for umask in ["022", "027", "077", "000"] {
        let mask = u32::from_str_radix(umask, 8).unwrap();
        let out = home.path().join(umask);
        std::fs::create_dir(&out).unwrap();
        std::fs::set_permissions(&out, std::fs::Permissions::from_mode(0o755)).unwrap();
        let at = |name: &str| out.join(name);
        let case = at("a.residue");
        let commands: [Vec<&str>; 6] = [
            vec!["triage", text(&given), "--detector", "fields", "--progress", "none"],
            vec!["convert", text(&given)],
            vec!["convert", text(&given)],
            vec!["synth", "--events", "1000"],
            vec!["synth", "--events", "1000", "--format", "l2tcsv,bodyfile"],
            vec!["export", text(&case), "--which", "all"],
        ];
        let outs = ["triage", "x.parquet", "x.csv", "synth", "synth2", "x.html"].map(at);
        for (command, to) in commands.iter().zip(&outs) {
            let (models, mut args) = (at("models"), command.clone());
            args.extend(["--out", text(to)]);
            if command[0] == "triage" {
                args.extend(["--save-case", text(&case), "--save-model", text(&models)]);
            }
            let done = under(umask, &args);
            assert!(matches!(done.status.code(), Some(0 | 1)), "{args:?}: {}", String::from_utf8_lossy(&done.stderr));
        }
        let mut waiting: Vec<_> = std::fs::read_dir(&out).unwrap().map(|entry| entry.unwrap().path()).collect();
        let mut seen = 0;
        while let Some(path) = waiting.pop() {
            let about = path.symlink_metadata().unwrap();
            let wanted = if about.is_dir() {
                waiting.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
                0o777 & !mask
            } else {
                // SQLite makes its database readable to others at most, whatever the umask would allow.
                let most = if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("case.sqlite")) { 0o644 } else { 0o666 };
                most & !mask
            };
            assert_eq!(about.permissions().mode() & 0o777, wanted, "umask {umask}: {}", path.display());
            seen += 1;
        }
        assert!(seen > 25, "{seen}");
    }
}

#[test]
fn fault_6_a_copied_row_runs_nothing_where_it_is_pasted() {
    for risky in ["=1+1", "+x", "-x", "@SUM(A1)", "=HYPERLINK(\"http://x\")"] {
        assert_eq!(tab_row(&["a", risky]), format!("a\t'{risky}"));
    }
    // No text breaks out of its cell into another one, which would begin with a formula.
    assert_eq!(tab_row(&["a\t=1+1\r\n=2", "b"]), "a =1+1  =2\tb");
    assert_eq!(tab_row(&["\t=1+1", "\n@x"]), "' =1+1\t' @x".replace("' =", " =").replace("' @", " @"));
    // Numbers stay numbers.
    assert_eq!(tab_row(&["-1.5", "3", "1e-7"]), "-1.5\t3\t1e-7");
    assert!(!tab_row(&["\u{1b}[31m"]).contains('\u{1b}'), "a terminal obeys nothing either");
}

#[test]
fn fault_6_private_things_stay_private() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("a.residue");
    copy(&pristine().1, &dir);
    let done = super::child("custody::files::child_keeps_private", "private", home.path());
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

#[test]
#[ignore = "the child of the test above"]
fn child_keeps_private() {
    if std::env::var_os(super::TASK).is_none() {
        return;
    }
    let case = residue::case::Case::scratch().unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(case.dir().metadata().unwrap().permissions().mode() & 0o777, 0o700, "an unsaved case is its owner's alone");
    }
    case.discard();
}
