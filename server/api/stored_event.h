// A stored event in its public form.
#pragma once

#include "hongyan/v1/event.pb.h"
#include "server/storage/event_store.h"

namespace hongyan::api {

// All of it, the payload included. What can't be read keeps its place and its type, and is marked
// as damaged.
void ToProto(const model::StoredEvent& stored, v1::Event& event);

}  // namespace hongyan::api
