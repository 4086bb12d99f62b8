#pragma once

#include <string>
#include <string_view>

namespace weft::core {

/// The form in which passwords are hashed and compared, Unicode's NFKC as Synapse has it: however a keyboard
/// composes an accented letter, it is the same password. Text that is not UTF-8 becomes U+FFFD.
std::string normalize_password(std::string_view password);
/// An argon2id hash in the usual `$argon2id$...` form. Takes tens of milliseconds: call it on the CPU pool.
std::string hash_password(std::string_view password);
/// True if `password` matches an argon2id or bcrypt (`$2a$`, `$2b$`, `$2y$`) hash. Slow on purpose, as above.
bool verify_password(std::string_view password, const std::string& hash);

}  // namespace weft::core
