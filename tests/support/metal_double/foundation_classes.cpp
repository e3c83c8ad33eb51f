// Foundation's classes, as far as our host code sends them messages.
#include <cstdint>

#include "foundation_objects.h"

namespace metal_double {

void set_error(ErrorObject** destination, const std::string& text, long code) {
  if (destination == nullptr) return;
  auto* error = new ErrorObject(text, code);
  autorelease(error);
  *destination = error;
}

void add_foundation_classes() {
  add_class_method("NSString", "stringWithUTF8String:", [](Class*, Selector, const char* text) -> Object* {
    return autorelease(new String(text));
  });
  add_method("NSString", "UTF8String",
             [](String* self, Selector) -> const char* { return self->text.c_str(); });

  add_method("NSError", "localizedDescription",
             [](ErrorObject* self, Selector) -> Object* { return self->text.get(); });
  add_method("NSError", "code", [](ErrorObject* self, Selector) -> long { return self->code; });

  add_method("NSArray", "count", [](Array* self, Selector) -> std::uint64_t { return self->objects.size(); });
  add_method("NSArray", "objectAtIndex:", [](Array* self, Selector, std::uint64_t index) -> Object* {
    if (index < self->objects.size()) return self->objects[index].get();
    report("-[NSArray objectAtIndex:]: index beyond bounds");
    return nullptr;
  });

  add_class_method("NSProcessInfo", "processInfo", [](Class*, Selector) -> Object* {
    static Object* process = [] {
      auto* made = new Object(class_named("NSProcessInfo"));
      made->live_for_ever();
      return made;
    }();
    return process;
  });
  add_method("NSProcessInfo", "operatingSystemVersionString",
             [](Object*, Selector) -> Object* { return autorelease(new String("Metal double on Linux")); });
}

}  // namespace metal_double
