// A disk that fails on command: stands before the C library's pwrite64 and fdatasync, by which
// SQLite writes.
//
// Contract: counts start at the call that sets them; Clear() makes the disk whole. Of the whole
//           program that links this.
// Threads:  any.
#pragma once

#include <functional>
#include <string>

namespace hongyan::disk_faults {

void Clear();
// The nth write to a file whose name holds `name` fails with `error`, and all after it when `on`.
void FailWrites(const std::string& name, int nth, int error, bool on);
// The nth write puts only half of its bytes down and fails with EIO.
void TearWrite(const std::string& name, int nth);
// The nth sync fails with EIO, once. As Linux does it then forgets what was to be synced: it can
// still be read, but no later sync makes it durable, only writing it again.
void FailSync(int nth);
// Every sync takes this long more.
void DelaySyncs(int milliseconds);
// `action` runs within the next sync, before that has done anything.
void RunInNextSync(std::function<void()> action);
// The process stops itself (SIGSTOP) within the next sync, before that has done anything. For
// signal handlers too.
void StopInNextSync();
// The process dies just before its nth write or sync.
void DieAt(int nth);
// After every sync the file as it is then is copied to NAME.durable: what a power cut would leave.
void KeepDurable();
// Syncs so far.
int Syncs();

}  // namespace hongyan::disk_faults
