//! The surroundings of the program: proxies, certificates, credentials.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use bursar::ledger::{Ledger, Reports};
use bursar::product::ResultKind;
use serde_json::Value;

use super::world::{Ended, World};

/// A proxy that answers each CONNECT with this, and connects where that is a yes; and the heads it has read.
fn proxy(reply: &'static str) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let heads = Arc::new(Mutex::new(Vec::new()));
    let read = Arc::clone(&heads);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut stream, heads) = (stream.unwrap(), Arc::clone(&heads));
            std::thread::spawn(move || {
                let mut head = Vec::new();
                let mut byte = [0];
                while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|read| read > 0) {
                    head.push(byte[0]);
                }
                let head = String::from_utf8(head).unwrap();
                let to = head.split(' ').nth(1).unwrap_or_default().to_owned();
                heads.lock().unwrap().push(head);
                let beyond = reply.contains(" 200 ").then(|| TcpStream::connect(to).unwrap());
                stream.write_all(reply.as_bytes()).unwrap();
                let Some(mut beyond) = beyond else { return };
                let (mut back, mut forth) = (beyond.try_clone().unwrap(), stream.try_clone().unwrap());
                let there = std::thread::spawn(move || {
                    drop(std::io::copy(&mut forth, &mut beyond));
                    drop(beyond.shutdown(std::net::Shutdown::Write));
                });
                drop(std::io::copy(&mut back, &mut stream));
                drop(stream.shutdown(std::net::Shutdown::Both));
                there.join().unwrap();
            });
        }
    });
    (address, read)
}

/// Puts a line into the account of the config.
fn add(world: &World, line: &str) {
    let path = world.folder.path().join("bursar.toml");
    let text =
        fs::read_to_string(&path).unwrap().replacen("[accounts.main]\n", &format!("[accounts.main]\n{line}\n"), 1);
    fs::write(path, text).unwrap();
}

/// A provider that is not on this machine, as far as bursar can tell, where nobody answers.
fn elsewhere(world: &World) {
    let config = "state_dir = 'state'\n[accounts.main]\nbase_url = 'https://[::ffff:127.0.0.1]:1'\n\
                  timing = { silence = '200ms', patience = '1s' }\n";
    fs::write(world.folder.path().join("bursar.toml"), config).unwrap();
}

/// A file in the world that only its owner can read.
fn secret_file(world: &World, name: &str, text: &str) -> PathBuf {
    let path = world.folder.path().join(name);
    fs::write(&path, text).unwrap();
    #[cfg(unix)]
    fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    path
}

#[test]
fn a_run_through_a_proxy_buys_and_collects() {
    let world = World::new();
    let (address, heads) = proxy("HTTP/1.1 200 OK\r\n\r\n");
    add(&world, &format!("proxy = 'http://{address}'\nproxy_auth_file = 'proxy.secret'"));
    secret_file(&world, "proxy.secret", "someone:s3cret\n");
    let ended = world.bursar(&["run", "job.toml", "-v"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(!format!("{ended:?}").contains("s3cret"), "{ended:?}");
    world.agree(1);
    let heads = heads.lock().unwrap().clone();
    assert!(heads.iter().all(|head| head.starts_with(&format!("CONNECT {} HTTP/1.1\r\n", world.address))), "{heads:?}");
    assert!(heads.len() > 1 && heads.iter().all(|head| head.contains("Basic c29tZW9uZTpzM2NyZXQ=")), "{heads:?}");
    let doctor = world.bursar(&["doctor"]);
    let says = format!(
        "ok    connection       through the proxy http://{address}, with the user and password in `proxy.secret`"
    );
    assert!(doctor.stdout.contains(&says), "{doctor:?}");
    let excepted = Ended::of(world.command(&["doctor"]).env("NO_PROXY", "127.0.0.1").output().unwrap());
    let says = "NO_PROXY names this host and is not used: `proxy` in bursar.toml holds\n";
    assert!(excepted.stdout.contains(says), "{excepted:?}");
}

#[test]
fn a_proxy_refusal_buys_nothing_and_leaves_no_doubt() {
    for refusal in ["HTTP/1.1 403 Forbidden\r\n\r\n", "HTTP/1.1 407 Proxy Authentication Required\r\n\r\n"] {
        let world = World::new();
        let (address, _) = proxy(refusal);
        add(&world, &format!("proxy = 'http://{address}'"));
        let ended = world.bursar(&["run", "job.toml", "--max-wait", "1s"]);
        assert_eq!(ended.code, 7, "{ended:?}");
        assert!(ended.stderr.contains(&format!("the proxy {address} ")), "{ended:?}");
        let audit = world.audit();
        assert_eq!((&audit["in_doubt"], &audit["held_nano_usd"]), (&Value::from(0), &Value::from(0)));
        world.agree(0);
        let doctor = world.bursar(&["doctor"]);
        assert_eq!(doctor.code, 1, "{doctor:?}");
        assert!(doctor.stdout.contains("fail  connection       cannot connect to http://"), "{doctor:?}");
    }
}

#[test]
fn an_environment_proxy_is_named_with_its_config_key() {
    let world = World::new();
    elsewhere(&world);
    for (variable, quiet) in [("HTTPS_PROXY", "--no-progress"), ("all_proxy", "--quiet")] {
        let says = format!(
            "{variable} is set in the environment and is not used: to go through a proxy, write \
             proxy = \"http://HOST:PORT\" below [accounts.main] in bursar.toml\n"
        );
        for args in [&["run", "job.toml", quiet][..], &["doctor"]] {
            let mut command = world.command(args);
            let ended = Ended::of(command.env(variable, "http://me:hunter2@127.0.0.1:2").output().unwrap());
            assert!(format!("{}{}", ended.stderr, ended.stdout).contains(&says), "{ended:?}");
            assert!(!format!("{ended:?}").contains("hunter2"), "{ended:?}");
        }
    }
}

#[test]
fn hosts_excepted_from_proxies_are_reached_without_one() {
    let world = World::new();
    elsewhere(&world);
    let doctor = |proxy: &str, excepted: &str| {
        let mut command = world.command(&["doctor"]);
        Ended::of(command.env("HTTPS_PROXY", proxy).env("NO_PROXY", excepted).output().unwrap()).stdout
    };
    assert!(!doctor("http://127.0.0.1:2", "*").contains("PROXY"));
    assert!(
        doctor("http://127.0.0.1:2", "other.example")
            .contains("HTTPS_PROXY is set in the environment and is not used: ")
    );
    let socks = doctor("socks5h://127.0.0.1:2", "");
    let says = "HTTPS_PROXY is set in the environment and is not used: it names a SOCKS proxy, and bursar only goes through proxies \
                that are spoken to by HTTP; where there is one, write proxy = \"http://HOST:PORT\" below [accounts.main] in \
                bursar.toml\n";
    assert!(socks.contains(says), "{socks}");
    assert!(
        doctor("https://127.0.0.1:2", "")
            .contains("it names a proxy that is spoken to by HTTPS, and bursar speaks plain HTTP")
    );
}

#[test]
fn a_machine_without_certificates_runs_the_sandbox_alone() {
    let world = World::new();
    let bare = |args: &[&str]| {
        let mut command = world.command(args);
        command.env("SSL_CERT_FILE", "no such file").env("SSL_CERT_DIR", "no such folder");
        Ended::of(command.output().unwrap())
    };
    assert_eq!(bare(&["run", "job.toml"]).code, 0);
    world.agree(1);
    elsewhere(&world);
    let ended = bare(&["run", "job.toml", "--ledger", "real.db"]);
    assert_eq!(ended.code, 2, "{ended:?}");
    assert!(ended.stderr.contains("install the package ca-certificates"), "{ended:?}");
    let doctor = bare(&["doctor"]);
    assert_eq!(doctor.code, 2, "{doctor:?}");
    assert!(
        doctor.stdout.contains("fail  connection       this machine has no certificates of authorities"),
        "{doctor:?}"
    );
}

#[test]
fn a_refused_password_with_quotes_is_named() {
    let world = World::new();
    let quoted =
        Ended::of(world.command(&["run", "job.toml"]).env("DATAFORSEO_PASSWORD", "\"hunter2\"").output().unwrap());
    assert_eq!(quoted.code, 6, "{quoted:?}");
    let says = "account `main`: DATAFORSEO_PASSWORD stands in quotes, which are a part of what is sent: an env file that is \
                not read by a shell keeps them: if access is refused, this is the likely reason\n";
    assert!(quoted.stderr.contains(says), "{quoted:?}");
    assert!(!format!("{quoted:?}").contains("hunter2"), "{quoted:?}");
    let right = world.command(&["doctor"]).env("DATAFORSEO_LOGIN", " sandbox").output().unwrap();
    let warned = "warn  credentials      account `main`: DATAFORSEO_LOGIN begins or ends with a blank, which is a part of what is sent: \
                  if access is refused, this is the likely reason\n";
    assert!(Ended::of(right).stdout.contains(warned));
    world.agree(0);
}

#[test]
fn a_line_end_in_a_password_is_refused() {
    let world = World::new();
    let ended =
        Ended::of(world.command(&["run", "job.toml"]).env("DATAFORSEO_PASSWORD", "hunter2\r").output().unwrap());
    assert_eq!(ended.code, 2, "{ended:?}");
    assert!(
        ended.stderr.ends_with(
            "error: account `main`: DATAFORSEO_PASSWORD ends with a carriage return (\\r): it comes from a file with Windows line \
             ends. Remove it, with `dos2unix` for example; nothing was bought\n"
        ),
        "{ended:?}"
    );
    assert!(!world.folder.path().join("bursar.db").exists());
}

#[test]
fn login_and_password_can_stand_in_files() {
    let world = World::new();
    add(&world, "login_file = 'login'\npassword_file = 'password'");
    for (login, password, code) in
        [("sandbox\n", "sandbox\r\n", 0), ("sandbox", "sandbox\n\n", 2), ("other\n", "sandbox", 6)]
    {
        secret_file(&world, "login", login);
        secret_file(&world, "password", password);
        let mut command = world.command(&["doctor"]);
        command.env_remove("DATAFORSEO_LOGIN").env_remove("DATAFORSEO_PASSWORD");
        let ended = Ended::of(command.output().unwrap());
        assert_eq!(ended.code, code, "{ended:?}");
        assert_eq!(ended.stdout.contains("accepts `login` and `password`\n"), code == 0, "{ended:?}");
        assert_eq!(
            world
                .named(&ended.stdout)
                .contains("password file `password` (FOLDER/password) ends with a line end: remove it"),
            code == 2,
            "{ended:?}"
        );
    }
}

#[cfg(unix)]
#[test]
fn what_the_disk_cannot_hold_is_not_bought() {
    let world = World::new();
    world.job("10", 2);
    assert_eq!(world.bursar(&["run", "job.toml", "--no-collect"]).code, 0);
    // Twenty tebibytes of answers, should anybody have the disk.
    world.job("10", 5_000);
    let path = world.folder.path().join("bursar.toml");
    let config = fs::read_to_string(&path).unwrap();
    fs::write(&path, format!("bytes_per_answer = 4294967295\n{config}")).unwrap();
    let ended = world.bursar(&["run", "job.toml"]);
    assert_eq!(ended.code, 1, "{ended:?}");
    let (_, said) = ended.stderr.split_once("the disk of ledger bursar.db has ").unwrap();
    assert_eq!(
        said.lines().next().unwrap().split_once(" left, and ").unwrap().1,
        "about 20000 GiB are needed: for 5,000 answers to come, at up to 4095 MiB each, and for the ledger's log. Nothing is \
         bought in this session. Make room, or move the ledger to another disk; `bytes_per_answer` in bursar.toml says what an \
         answer needs, and 0 leaves this check out"
    );
    assert!(
        ended.stdout.contains("  answered   2\n  not bought 4,998 tasks: the disk has no room for their answers\n"),
        "{ended:?}"
    );
    world.agree(2);
    fs::write(&path, format!("bytes_per_answer = 0\n{config}")).unwrap();
    assert_eq!(world.bursar(&["run", "job.toml", "--no-collect"]).code, 0);
    world.agree(5_000);
}

#[cfg(target_os = "linux")]
#[test]
fn a_limit_below_what_is_free_buys_nothing() {
    let world = World::new();
    world.job("10", 2_000);
    let run = format!("ulimit -f 65536; exec {} run job.toml", super::world::BURSAR);
    let mut command = std::process::Command::new("sh");
    command.args(["-c", &run]).current_dir(world.folder.path());
    command.env("DATAFORSEO_LOGIN", "sandbox").env("DATAFORSEO_PASSWORD", "sandbox");
    let ended = Ended::of(command.output().unwrap());
    assert_eq!(ended.code, 1, "{ended:?}");
    let says = " left, but a quota or a limit on the size of files (`ulimit -f`) allows less than the ";
    assert!(ended.stderr.contains(says), "{ended:?}");
    assert_eq!(world.bill()["tasks"], 0);
}

#[test]
fn answer_size_is_estimated_from_enough_stored_answers() {
    let world = World::new();
    world.job("1", 120);
    assert_eq!(world.bursar(&["run", "job.toml"]).code, 0);
    let ledger = Ledger::open_to_read(&world.folder.path().join("bursar.db")).unwrap();
    let each = ledger.bytes_of_answers(ResultKind::Advanced, 100).unwrap().unwrap();
    assert!((500..5_000).contains(&each), "{each}");
    assert_eq!(ledger.bytes_of_answers(ResultKind::Advanced, 121).unwrap(), None);
    assert_eq!(ledger.bytes_of_answers(ResultKind::Html, 1).unwrap(), None);
}

/// The program for a user who may not write where the mode forbids it, which root may: nobody, with a copy that nobody
/// can run.
#[cfg(unix)]
fn as_anybody(folder: &std::path::Path) -> std::process::Command {
    use std::os::unix::fs::PermissionsExt as _;
    use std::os::unix::process::CommandExt as _;
    let program = folder.join("bursar");
    if !program.exists() && fs::hard_link(super::world::BURSAR, &program).is_err() {
        fs::copy(super::world::BURSAR, &program).unwrap();
    }
    fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).unwrap();
    let mut command = std::process::Command::new(program);
    command.current_dir("/").env_clear().env("HOME", folder);
    if std::os::unix::fs::MetadataExt::uid(&fs::metadata(folder.join("job.toml")).unwrap()) == 0 {
        command.uid(65_534);
    }
    command
}

#[cfg(unix)]
#[test]
fn a_ledger_in_a_read_only_folder_is_read() {
    use std::os::unix::fs::{PermissionsExt as _, chown};
    let world = World::new();
    assert_eq!(world.bursar(&["run", "job.toml"]).code, 0);
    let shelf = world.folder.path().join("shelf");
    fs::create_dir(&shelf).unwrap();
    let ledger = shelf.join("bursar.db");
    fs::copy(world.folder.path().join("bursar.db"), &ledger).unwrap();
    if std::os::unix::fs::MetadataExt::uid(&fs::metadata(&shelf).unwrap()) == 0 {
        chown(&ledger, Some(65_534), None).unwrap();
    }
    fs::set_permissions(&shelf, fs::Permissions::from_mode(0o555)).unwrap();
    let ledger = ledger.to_str().unwrap();
    for args in [&["status"][..], &["export", "job"], &["audit"], &["resolve", "1"], &["doctor"]] {
        let ended = Ended::of(as_anybody(world.folder.path()).args(args).args(["--ledger", ledger]).output().unwrap());
        let expected = if args[0] == "doctor" { 2 } else { 0 };
        assert_eq!(ended.code, expected, "{ended:?}");
        assert_eq!(args[0] == "doctor", ended.stdout.contains(&format!("{ledger}, with sandbox money")), "{ended:?}");
    }
    let refused =
        Ended::of(as_anybody(world.folder.path()).args(["status", "--seen", "--ledger", ledger]).output().unwrap());
    assert_eq!(refused.code, 1, "{refused:?}");
    assert_eq!(
        refused.stderr,
        format!(
            "error: lock file `{ledger}.lock` cannot be made or locked, and nothing was bought or changed: Permission denied (os error 13)\n"
        )
    );
    assert_eq!(fs::read_dir(&shelf).unwrap().count(), 1);
    fs::set_permissions(&shelf, fs::Permissions::from_mode(0o755)).unwrap();
}

#[cfg(unix)]
#[test]
fn a_folder_that_may_not_be_entered_is_named() {
    use std::os::unix::fs::PermissionsExt as _;
    let world = World::new();
    let shut = world.folder.path().join("shut");
    fs::create_dir(&shut).unwrap();
    fs::set_permissions(&shut, fs::Permissions::from_mode(0o000)).unwrap();
    let ledger = shut.join("bursar.db");
    let ended = Ended::of(as_anybody(world.folder.path()).arg("audit").arg("--ledger").arg(&ledger).output().unwrap());
    assert_eq!(ended.code, 2);
    assert_eq!(
        ended.stderr,
        format!("error: ledger `{}`: it cannot be looked for: Permission denied (os error 13)\n", ledger.display())
    );
    fs::set_permissions(&shut, fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn a_job_file_named_as_ledger_is_told_apart() {
    let world = World::new();
    let job = fs::read(world.folder.path().join("job.toml")).unwrap();
    for args in [&["status", "--ledger", "job.toml"][..], &["run", "job.toml", "--ledger", "job.toml"]] {
        let ended = world.bursar(args);
        assert_eq!(ended.code, 2, "{ended:?}");
        assert!(
            ended.stderr.ends_with(
                "error: ledger `job.toml`: this is a text file and no ledger: name the ledger with --ledger; a job file is named \
                 without --ledger, and a config with --config. Nothing was changed\n"
            ),
            "{ended:?}"
        );
    }
    assert_eq!(fs::read(world.folder.path().join("job.toml")).unwrap(), job);
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_behind_stdout_is_named() {
    let world = World::new();
    assert_eq!(world.bursar(&["run", "job.toml"]).code, 0);
    for args in [&["status"][..], &["plan", "job.toml", "--json"], &["export", "job"]] {
        let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let ended = Ended::of(world.command(args).stdout(full).output().unwrap());
        assert_eq!(ended.code, 1, "{ended:?}");
        assert_eq!(
            ended.stderr,
            "error: cannot write to stdout (`/dev/full`): No space left on device (os error 28)\n"
        );
    }
}

#[cfg(unix)]
#[test]
fn a_ledger_that_may_not_be_written_buys_nothing() {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
    let world = World::new();
    assert_eq!(world.bursar(&["run", "job.toml"]).code, 0);
    let folder = world.folder.path();
    if fs::metadata(folder).unwrap().uid() == 0 {
        chown(folder, Some(65_534), None).unwrap();
        chown(folder.join("bursar.db"), Some(65_534), None).unwrap();
        chown(folder.join("bursar.db.lock"), Some(65_534), None).unwrap();
    }
    fs::set_permissions(folder.join("bursar.db"), fs::Permissions::from_mode(0o400)).unwrap();
    let (job, home) = (folder.join("job.toml"), folder.to_str().unwrap());
    let home = home.trim_start_matches('/');
    let mut command = as_anybody(folder);
    command.args(["run", job.to_str().unwrap()]);
    let ended =
        Ended::of(command.env("DATAFORSEO_LOGIN", "sandbox").env("DATAFORSEO_PASSWORD", "sandbox").output().unwrap());
    assert_eq!(ended.code, 2, "{ended:?}");
    assert!(
        ended.stderr.ends_with(&format!(
            "{home}/bursar.db`: it may not be written, so nothing was bought: see to its mode, its owner and how \
             its disk is mounted. It can still be read, by `bursar status` and `bursar export`\n"
        )),
        "{ended:?}"
    );
    world.agree(1);
}
