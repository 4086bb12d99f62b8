#pragma once

#include <string>
#include <string_view>

namespace weft::core {

/// The form in which passwords are hashed and compared, Unicode's NFKC as Synapse has it: however a keyboard
/// composes an accented letter, it is the same password. Text that is not UTF-8 becomes U+FFFD.
std::string normalize_password(std::string_view password);
/// An argon2id hash in the usual `$argon2id$...` form. Takes tens of milliseconds: call it on the CPU pool.
std::string hash_password(std::string_view password);
/// A bcrypt hash (`$2b$`, 12 rounds), for processes of Synapse that have to check it; argon2id where bcrypt would ignore a
/// part of the password: after 72 bytes, or from a NUL on.
std::string hash_password_for_synapse(std::string_view password);
/// True if `password` matches an argon2id or bcrypt (`$2a$`, `$2b$`, `$2y$`) hash. Slow on purpose, as above.
bool verify_password(std::string_view password, const std::string& hash);

}  // namespace weft::core
