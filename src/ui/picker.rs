//! File dialogs, off the window's thread: the system's dialog may hang, be missing, or stay open for hours.

use crate::app::Pick;
use crossbeam_channel::{Receiver, Sender, unbounded};
use eframe::egui::Context;
use rfd::{AsyncFileDialog, FileHandle};
use std::future::Future;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Poll, Wake, Waker};
use std::thread::Thread;

/// Asks the user for paths.
pub trait Picker {
    /// Asks; the answer comes later, if at all. Wakes `ctx` when it is there.
    fn pick(&mut self, what: Pick, ctx: Context);
    /// The answers since the last call. A dialog that was cancelled, or could not be shown, gives none.
    fn picked(&mut self) -> Vec<(Pick, Vec<PathBuf>)>;
}

/// What was picked, and what for.
type Picked = (Pick, Vec<PathBuf>);

/// The system's own dialogs.
pub struct SystemPicker {
    sender: Sender<Picked>,
    answers: Receiver<Picked>,
}

impl SystemPicker {
    /// A picker without open dialogs.
    #[must_use]
    pub fn new() -> Self {
        let (sender, answers) = unbounded();
        Self { sender, answers }
    }
}

impl Default for SystemPicker {
    fn default() -> Self {
        Self::new()
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Waits for a future on this thread.
fn wait<T>(future: impl Future<Output = T>) -> T {
    let (mut future, waker) = (pin!(future), Waker::from(Arc::new(Unpark(std::thread::current()))));
    loop {
        match future.as_mut().poll(&mut std::task::Context::from_waker(&waker)) {
            Poll::Ready(value) => return value,
            Poll::Pending => std::thread::park(),
        }
    }
}

impl Picker for SystemPicker {
    fn pick(&mut self, what: Pick, ctx: Context) {
        let sender = self.sender.clone();
        let one = |handle: Option<FileHandle>| handle.into_iter().map(|h| h.path().to_owned()).collect::<Vec<_>>();
        let many = |handles: Option<Vec<FileHandle>>| handles.into_iter().flatten().map(|h| h.path().to_owned()).collect::<Vec<_>>();
        let dialog = AsyncFileDialog::new();
        // The future is made here, because some systems insist on that; it is waited for elsewhere.
        let answer: std::pin::Pin<Box<dyn Future<Output = Vec<PathBuf>> + Send>> = match what {
            Pick::EvidenceFiles => {
                let future = dialog.set_title("Open evidence").pick_files();
                Box::pin(async move { many(future.await) })
            }
            Pick::EvidenceFolder => {
                let future = dialog.set_title("Open a folder of evidence, or a case").pick_folder();
                Box::pin(async move { one(future.await) })
            }
            Pick::Baseline => {
                let future = dialog.set_title("Known-good evidence: a folder, a case or a saved baseline").pick_folder();
                Box::pin(async move { one(future.await) })
            }
            Pick::SaveCase => {
                let future = dialog.set_title("Save the case").set_file_name("case.residue").save_file();
                Box::pin(async move { one(future.await) })
            }
            Pick::Labels => {
                let future = dialog.set_title("Labels of processes").add_filter("CSV", &["csv"]).pick_file();
                Box::pin(async move { one(future.await) })
            }
            Pick::LabelsOut => {
                let future = dialog.set_title("Export labels").set_file_name("labels.csv").save_file();
                Box::pin(async move { one(future.await) })
            }
            Pick::Annotations => {
                let future = dialog.set_title("A ranking exported as CSV or JSONL").pick_files();
                Box::pin(async move { many(future.await) })
            }
            Pick::Indicators => {
                let future = dialog.set_title("A list of hashes, names, addresses or domains").pick_file();
                Box::pin(async move { one(future.await) })
            }
            Pick::BaselineOut => {
                let future = dialog.set_title("Save the baseline").set_file_name("good.baseline").save_file();
                Box::pin(async move { one(future.await) })
            }
            Pick::EventsOut => {
                let future = dialog.set_title("Export events").set_file_name("events.csv").save_file();
                Box::pin(async move { one(future.await) })
            }
            Pick::ExportFile => {
                let future = dialog.set_title("Export").set_file_name("ranking.csv").save_file();
                Box::pin(async move { one(future.await) })
            }
        };
        // Without a thread there is no dialog; the path field beside the button does the same.
        let _path_field_remains = std::thread::Builder::new().name("file dialog".into()).spawn(move || {
            let paths = wait(answer);
            if sender.send((what, paths)).is_ok() {
                ctx.request_repaint();
            }
        });
    }

    fn picked(&mut self) -> Vec<(Pick, Vec<PathBuf>)> {
        self.answers.try_iter().collect()
    }
}
