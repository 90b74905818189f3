// What a push's body is written in.
#pragma once

namespace hongyan::model {

// The numbers are those of the database.
enum class BodyFormat { kXml = 0, kJson = 1 };

}  // namespace hongyan::model
