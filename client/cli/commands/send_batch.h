// `hongyan send batch`.
//
// Contract: a line that holds no notification fails alone, before the first call: it is reported,
//           counted and kept like one that WeChat refused. An earlier run that did not finish is
//           neither repeated nor forgotten without --resume or --restart. Exit code 0: every line
//           was accepted.
// Threads:  one.
#pragma once

#include <string>

#include "client/cli/session.h"

namespace hongyan::cli {

struct SendBatchArgs {
  std::string file = {};  // `-`: standard input
  std::string failed_file = {};
  bool resume = false;
  bool restart = false;
};

int SendBatch(const SendBatchArgs& args, Session& session);

}  // namespace hongyan::cli
