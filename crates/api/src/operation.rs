//! What an operation is, and the one list of them all. From the list come the `Service` every front door talks to
//! and visitors for routers, schemas and tests.

use std::future::Future;

use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::ApiError;
use crate::operations::*;

/// How an operation is reached over HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Reads.
    Get,
    /// Changes.
    Post,
}

/// A request and its reply, declared once.
pub trait Operation: Serialize + DeserializeOwned + JsonSchema + Send + 'static {
    /// What it answers with.
    type Reply: Serialize + DeserializeOwned + JsonSchema + Send + 'static;
    /// Its name in remote calls, `noun.verb`.
    const NAME: &'static str;
    /// Its HTTP method.
    const METHOD: Method;
    /// Its HTTP path.
    const PATH: &'static str;
    /// Whether an outer agent may call it as a tool.
    const TOOL: bool;
}

/// Whoever can carry out an operation.
pub trait Handle<O: Operation> {
    /// Carries it out. Errors are the ones a person or program can act on.
    fn call(&self, request: O) -> impl Future<Output = Result<O::Reply, ApiError>> + Send;
}

/// An operation's declaration as data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OperationInfo {
    /// See [`Operation::NAME`].
    pub name: &'static str,
    /// See [`Operation::METHOD`].
    pub method: Method,
    /// See [`Operation::PATH`].
    pub path: &'static str,
    /// See [`Operation::TOOL`].
    pub tool: bool,
}

/// Sees every operation with its types.
pub trait OperationVisitor {
    /// Called once for each operation.
    fn visit<O: Operation>(&mut self, info: OperationInfo);
}

macro_rules! operations {
    ($($request:ident => $reply:ty, $name:literal, $method:ident $path:literal, tool: $tool:literal;)+) => {
        $(impl Operation for $request {
            type Reply = $reply;
            const NAME: &'static str = $name;
            const METHOD: Method = Method::$method;
            const PATH: &'static str = $path;
            const TOOL: bool = $tool;
        })+

        /// Everything that can be asked for. Whoever handles each operation is one.
        pub trait Service: $(Handle<$request> +)+ Send + Sync {}
        impl<T: $(Handle<$request> +)+ Send + Sync> Service for T {}

        /// Shows every operation to a visitor, in the declared order.
        pub fn visit_operations(visitor: &mut impl OperationVisitor) {
            $(visitor.visit::<$request>(OperationInfo {
                name: $name,
                method: Method::$method,
                path: $path,
                tool: $tool,
            });)+
        }
    };
}

operations! {
    CreateRun => RunDetail, "run.create", Post "/api/runs", tool: true;
    ReconfigureRun => RunDetail, "run.reconfigure", Post "/api/runs/{run}/reconfigure", tool: true;
    ReadyRun => RunDetail, "run.ready", Post "/api/runs/{run}/ready", tool: true;
    ResumeRun => RunDetail, "run.resume", Post "/api/runs/{run}/resume", tool: true;
    AbortRun => RunDetail, "run.abort", Post "/api/runs/{run}/abort", tool: true;
    GetRun => RunDetail, "run.get", Get "/api/runs/{run}", tool: true;
    ReadRun => RunReading, "run.read", Get "/api/runs/{run}/events", tool: true;
    ReadTimeline => Timeline, "run.timeline", Get "/api/runs/{run}/timeline", tool: true;
    ReadReport => RunReport, "run.report", Get "/api/runs/{run}/report", tool: true;
    GetChanges => GitChanges, "run.changes", Get "/api/runs/{run}/changes", tool: true;
    GetBrief => Brief, "run.brief", Get "/api/runs/{run}/brief", tool: true;
    ListRuns => RunList, "run.list", Get "/api/runs", tool: true;
    AddDependency => RunDetail, "run.add_dependency", Post "/api/runs/{run}/dependencies", tool: true;
    RemoveDependency => RunDetail, "run.remove_dependency", Post "/api/runs/{run}/dependencies/remove", tool: true;
    ClearDependencies => RunDetail, "run.clear_dependencies", Post "/api/runs/{run}/dependencies/clear", tool: true;
    ExtendBudget => RunDetail, "run.extend", Post "/api/runs/{run}/extend", tool: false;
    RecoverRuns => Recovery, "run.recover", Post "/api/recover", tool: false;
    ImportReference => DirectoryImport, "run.import_reference", Post "/api/import/reference", tool: false;
    ResetRun => RunDetail, "run.reset", Post "/api/runs/{run}/reset", tool: true;
    ArchiveRun => RunDetail, "run.archive", Post "/api/runs/{run}/archive", tool: true;
    UnarchiveRun => RunDetail, "run.unarchive", Post "/api/runs/{run}/unarchive", tool: true;
    DeleteRun => DeletedRun, "run.delete", Post "/api/runs/{run}/delete", tool: false;
    SetName => RunDetail, "run.set_name", Post "/api/runs/{run}/name", tool: true;
    SetNote => RunDetail, "run.set_note", Post "/api/runs/{run}/note", tool: true;
    PinRun => RunDetail, "run.pin", Post "/api/runs/{run}/pin", tool: true;
    SetGroup => RunDetail, "run.set_group", Post "/api/runs/{run}/group", tool: true;
    SetBackendSession => RunDetail, "run.set_backend_session", Post "/api/runs/{run}/backend-session", tool: true;
    QueueMessage => MessageList, "run.queue_message", Post "/api/runs/{run}/messages", tool: true;
    ListMessages => MessageList, "run.messages", Get "/api/runs/{run}/messages", tool: true;
    RemoveMessage => MessageList, "run.remove_message", Post "/api/runs/{run}/messages/{message}/remove", tool: true;
    GetTree => RunTree, "run.tree", Get "/api/runs/{run}/tree", tool: true;
    ListAttachments => AttachmentList, "attachment.list", Get "/api/runs/{run}/attachments", tool: true;
    RemoveAttachment => AttachmentView, "attachment.remove", Post "/api/runs/{run}/attachments/{attachment}/remove", tool: false;
    ListTasks => TaskList, "task.list", Get "/api/runs/{run}/tasks", tool: true;
    ShowTask => TaskDetail, "task.show", Get "/api/runs/{run}/tasks/{task}", tool: true;
    SetTask => TaskDetail, "task.set", Post "/api/runs/{run}/tasks/{task}", tool: true;
    AppendNotes => TaskDetail, "task.append_notes", Post "/api/runs/{run}/tasks/{task}/notes", tool: true;
    PassBlock => TaskDetail, "task.pass_block", Post "/api/runs/{run}/tasks/{task}/blocks", tool: false;
    AddTask => TaskDetail, "task.add", Post "/api/runs/{run}/tasks", tool: true;
    EditTask => TaskDetail, "task.edit", Post "/api/runs/{run}/tasks/{task}/edit", tool: true;
    DeleteTask => TaskDetail, "task.delete", Post "/api/runs/{run}/tasks/{task}/delete", tool: false;
    ListDefinitions => DefinitionList, "definition.list", Get "/api/definitions", tool: true;
    ShowDefinition => DefinitionDetail, "definition.show", Get "/api/definitions/show", tool: true;
    ValidateDefinitions => Validation, "definition.validate", Post "/api/definitions/validate", tool: false;
    ReadDefinition => DefinitionText, "definition.read", Get "/api/definitions/text", tool: true;
    NewDefinition => NewDefinitionReply, "definition.new", Post "/api/definitions", tool: false;
    GetSchema => DefinitionSchema, "definition.schema", Get "/api/definitions/schema", tool: true;
    ListLaunchers => LauncherList, "launcher.list", Get "/api/launchers", tool: true;
    ShowLauncher => LauncherDetail, "launcher.show", Get "/api/launchers/show", tool: true;
    ReadLauncher => LauncherText, "launcher.read", Get "/api/launchers/text", tool: true;
    ListWorkspaces => WorkspaceList, "workspace.list", Get "/api/workspaces", tool: true;
    ListSnapshots => SnapshotList, "workspace.snapshots", Get "/api/runs/{run}/snapshots", tool: true;
    RestoreWorkspace => RestoredWorkspace, "workspace.restore", Post "/api/runs/{run}/workspace/restore", tool: false;
    RemoveWorkspace => RemovedWorkspace, "workspace.remove", Post "/api/runs/{run}/workspace/remove", tool: false;
    GetDiskUse => DiskUse, "system.disk_use", Get "/api/disk-use", tool: true;
    CollectGarbage => Collection, "system.collect_garbage", Post "/api/gc", tool: false;
    GetStatus => SystemStatus, "system.status", Get "/api/status", tool: true;
}

use crate::view::{
    AttachmentList, AttachmentView, Brief, Collection, DefinitionDetail, DefinitionList, DefinitionSchema,
    DefinitionText, DeletedRun, DirectoryImport, DiskUse, GitChanges, LauncherDetail, LauncherList,
    LauncherText, MessageList, NewDefinitionReply, Recovery, RemovedWorkspace, RestoredWorkspace, RunDetail,
    RunList, RunReading, RunReport, RunTree, SnapshotList, SystemStatus, TaskDetail, TaskList, Timeline,
    Validation, WorkspaceList,
};
