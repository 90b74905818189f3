// The connections of one server that wait for their peers, in the order in which they began to, so that the one that has
// waited longest can go when another needs its place.
//
// Contract: a connection is in the queue while its Place waits; one whose request is being worked on doesn't, so it never
//           goes. Next() is the one that has waited longest of the first Kind that has any, or null.
// Bounds:   constant time, but Next() of one origin looks through the queue.
// Threads:  event loop only.
// Lifetime: the queue outlives its places.
#pragma once

#include <array>
#include <cstddef>
#include <list>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"

namespace hongyan::http {

class HttpConnection;

class EvictionQueue {
 public:
  // What the peer still has to do; those of the first kind go first.
  enum class Kind {
    kFirstHead,  // send the head of a request: it has never sent one that was let in
    kMore,       // send the rest of a request or another one, or close the connection
    kTakeAnswer  // read its answer
  };

 private:
  struct Entry {
    HttpConnection* connection;
    std::string origin;
  };
  using Entries = std::list<Entry>;

 public:
  // One connection's.
  class Place {
   public:
    // `origin`: the address by which connections are counted.
    Place(EvictionQueue& queue, HttpConnection* connection, std::string origin)
        : queue_(queue), own_{Entry{connection, std::move(origin)}}, entry_(own_.begin()) {}
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;
    ~Place() { Leave(); }

    // Waits from now on, unless it does so for the same already.
    void Wait(Kind kind) {
      if (kind_ == kind) return;
      Leave();
      Entries& entries = queue_.Of(kind);
      entries.splice(entries.end(), own_, entry_);
      kind_ = kind;
    }
    void Leave() {
      if (!kind_) return;
      own_.splice(own_.end(), queue_.Of(*kind_), entry_);
      kind_.reset();
    }

   private:
    EvictionQueue& queue_;
    Entries own_;  // holds the entry while it isn't in the queue
    const Entries::iterator entry_;
    std::optional<Kind> kind_;
  };

  HttpConnection* Next() const {
    for (const Entries& entries : queued_) {
      if (!entries.empty()) return entries.front().connection;
    }
    return nullptr;
  }
  HttpConnection* NextOf(absl::string_view origin) const {
    for (const Entries& entries : queued_) {
      for (const Entry& entry : entries) {
        if (entry.origin == origin) return entry.connection;
      }
    }
    return nullptr;
  }

 private:
  Entries& Of(Kind kind) { return queued_[static_cast<std::size_t>(kind)]; }

  std::array<Entries, 3> queued_;
};

}  // namespace hongyan::http
