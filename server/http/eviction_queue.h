// The connections of one server that wait for their peers, in the order in which they began to, so
// that the one that has waited longest can go when another needs its place.
//
// Contract: a connection is in the queue while its Place waits; one whose request is being worked
//           on doesn't, so it never goes. Next() is the one that has waited longest, or null.
//           Nothing else gives precedence: whatever a peer could earn one by, who holds connections
//           would earn too, and those who have just come would go for them.
// Bounds:   constant time, but Next() of one origin looks through the queue.
// Threads:  event loop only.
// Lifetime: the queue outlives its places.
#pragma once

#include <list>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"

namespace hongyan::http {

class HttpConnection;

class EvictionQueue {
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

    // From now on, unless it waits already.
    void Wait() {
      if (!own_.empty()) queue_.entries_.splice(queue_.entries_.end(), own_);
    }
    void Leave() {
      if (own_.empty()) own_.splice(own_.end(), queue_.entries_, entry_);
    }

   private:
    EvictionQueue& queue_;
    Entries own_;  // holds the entry while it isn't in the queue
    const Entries::iterator entry_;
  };

  HttpConnection* Next() const { return entries_.empty() ? nullptr : entries_.front().connection; }
  HttpConnection* Next(absl::string_view origin) const {
    for (const Entry& entry : entries_) {
      if (entry.origin == origin) return entry.connection;
    }
    return nullptr;
  }

 private:
  Entries entries_;
};

}  // namespace hongyan::http
