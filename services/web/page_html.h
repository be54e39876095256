#pragma once

namespace entrain {

// The whole page: no other file, no other host. Text of runs is set as text, never as HTML.
extern const char kPageHtml[];

}  // namespace entrain
