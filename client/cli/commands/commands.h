// The commands of `hongyan`. Each has a file of its own beside this one, which says what it takes
// and does.
//
// To add one: write its file, list it in client/CMakeLists.txt, declare it here and call it in
// AddCommands(), which has the order of the help.
#pragma once

#include "client/cli/command.h"

namespace hongyan::cli {

// Adds them all to `program`.
void AddCommands(Command& program);

// Each adds one command to its group.
void AddSendText(Command& send);
void AddSendTemplate(Command& send);
void AddSendBatch(Command& send);
void AddUserGet(Command& user);
void AddUserBatch(Command& user);
void AddSubscriberGet(Command& subscriber);
void AddSubscriberList(Command& subscriber);
void AddSubscriberSync(Command& subscriber);
void AddEventList(Command& event);
void AddEventWatch(Command& event);

}  // namespace hongyan::cli
