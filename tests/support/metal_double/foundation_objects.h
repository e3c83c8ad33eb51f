#pragma once

#include <string>
#include <utility>
#include <vector>

#include "objects.h"

namespace metal_double {

/// NSString.
struct String final : Object {
  explicit String(std::string its_text) : Object(class_named("NSString")), text(std::move(its_text)) {}
  std::string text;
};

/// NSError.
struct ErrorObject final : Object {
  ErrorObject(const std::string& its_text, long its_code)
      : Object(class_named("NSError")),
        text(Reference<String>::adopt(new String(its_text))),
        code(its_code) {}
  void finish() override { text = {}; }

  Reference<String> text;
  long code;
};

/// NSArray.
struct Array final : Object {
  Array() : Object(class_named("NSArray")) {}
  void finish() override { objects.clear(); }

  std::vector<Reference<Object>> objects;
};

/// Writes an autoreleased error where the host asked for it.
void set_error(ErrorObject** destination, const std::string& text, long code);

}  // namespace metal_double
