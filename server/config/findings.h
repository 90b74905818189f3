// What is known about each key of the file, and everything that is wrong with it.
//
// Contract: keys go by their path, accounts[0].callback.token. A problem about a key that is absent
//           gets the line of the section it is missing from.
// Bounds:   100 problems and as many warnings, then one that counts the rest.
// Threads:  one.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace hongyan::config {

struct Problem {
  std::string path;  // of the key; empty: the file as a whole
  int line = 0;      // from 1; 0: none in particular
  std::string message;
};

class Findings {
 public:
  // The key stands at `line`; it isn't usable before MarkUsable.
  void Record(const std::string& path, int line) { origins_[path] = {line, false}; }
  // Its value was read and is within its limits.
  void MarkUsable(const std::string& path) { origins_[path].usable = true; }

  // Whether the file has the key at all.
  bool Given(const std::string& path) const { return origins_.count(path) != 0; }
  bool Usable(const std::string& path) const;

  void Refuse(const std::string& path, absl::string_view message);
  void RefuseAt(const std::string& path, int line, absl::string_view message);
  void Warn(const std::string& path, absl::string_view message);

  // In the order of their lines.
  std::vector<Problem> TakeProblems();
  std::vector<Problem> TakeWarnings();

 private:
  struct Origin {
    int line = 0;
    bool usable = false;
  };
  struct List {
    std::vector<Problem> items;
    std::size_t more = 0;
    void Add(Problem problem);
    std::vector<Problem> Take();
  };

  int FindLine(std::string path) const;

  std::map<std::string, Origin> origins_;
  List problems_;
  List warnings_;
};

}  // namespace hongyan::config
