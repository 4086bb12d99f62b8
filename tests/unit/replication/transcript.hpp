#pragma once

#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace weft::replication::testing {

/// One line of a recorded protocol scenario (p*): what was sent, `>`, what the real server said, `<`, what
/// happened to the connection, `!`, and remarks, `#`.
struct Step {
    char direction = '#';
    std::string text;
};

/// One line between a real worker and its master (w*), by connection.
struct WorkerStep {
    int connection = 0;
    bool from_worker = false;
    std::string text;
};

inline std::filesystem::path transcript_folder() {
    return std::filesystem::path{WEFT_TEST_DATA} / "replication" / "transcripts";
}

/// The fields of each line that is not a comment.
inline std::vector<std::vector<std::string>> read_fields(const std::filesystem::path& file,
                                                         std::size_t columns) {
    std::ifstream in{file};
    if (!in) throw std::runtime_error{file.string() + " cannot be read"};
    std::vector<std::vector<std::string>> out;
    for (std::string line; std::getline(in, line);) {
        if (line.starts_with('#')) continue;
        std::vector<std::string> fields;
        std::size_t begin = 0;
        while (fields.size() + 1 < columns) {
            const auto tab = line.find('\t', begin);
            if (tab == line.npos) break;
            fields.push_back(line.substr(begin, tab - begin));
            begin = tab + 1;
        }
        fields.push_back(line.substr(begin));
        if (fields.size() == columns) out.push_back(std::move(fields));
    }
    return out;
}

inline std::vector<Step> read_scenario(const std::filesystem::path& file) {
    std::vector<Step> steps;
    for (auto& fields : read_fields(file, 3)) steps.push_back({fields[1].at(0), std::move(fields[2])});
    return steps;
}

inline std::vector<WorkerStep> read_worker_traffic(const std::filesystem::path& file) {
    std::vector<WorkerStep> steps;
    for (auto& fields : read_fields(file, 4)) {
        if (fields[2] == "!") continue;
        steps.push_back({std::stoi(fields[1]), fields[2] == "C>S", std::move(fields[3])});
    }
    return steps;
}

/// The recorded scenarios whose name begins with `letter`, sorted.
inline std::vector<std::filesystem::path> scenarios(char letter, const std::string& ending) {
    std::vector<std::filesystem::path> out;
    for (const auto& entry : std::filesystem::directory_iterator{transcript_folder()}) {
        const auto name = entry.path().filename().string();
        if (name[0] == letter && name.ends_with(ending)) out.push_back(entry.path());
    }
    std::sort(out.begin(), out.end());
    return out;
}

}  // namespace weft::replication::testing
