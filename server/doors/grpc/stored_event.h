// A stored event in its public form.
#pragma once

#include "hongyan/v1/event.pb.h"
#include "server/storage/event_store.h"

namespace hongyan::doors {

// All of it, the payload included. One that can't be read keeps its place as `unknown`, and is logged.
void ToProto(const storage::StoredEvent& stored, v1::Event& event);

}  // namespace hongyan::doors
