"""scripts/lint_protos finds each mistake that it knows of, at its line, and nothing else; our own protos have none."""

import pathlib
import re
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]

GOOD = """syntax = "proto3";
package acme.pets.v1;
import "google/protobuf/timestamp.proto";
import "google/rpc/status.proto";
option go_package = "acme/pets";
enum HTTPKind {
  HTTP_KIND_UNSPECIFIED = 0;
  HTTP_KIND_PLAIN = 1;
}
message Pet {
  enum Colour {
    COLOUR_UNSPECIFIED = 0;
  }
  string id = 1;
  optional Colour colour_of_fur = 2;
  oneof owner {
    string person_id = 3;
    google.rpc.Status none = 4;
  }
  map<string, google.protobuf.Timestamp> seen = 5;
  HTTPKind kind = 6;
}
message GetPetRequest {}
message GetPetResponse {
  Pet pet = 1;
}
message PetServiceFeedRequest {}
message PetServiceFeedResponse {}
service PetService {
  rpc GetPet(GetPetRequest) returns (GetPetResponse);
  rpc Feed(stream PetServiceFeedRequest) returns (stream PetServiceFeedResponse);
}
"""
PATH = "acme/pets/v1/pet.proto"

# (rule, what is written, instead of what)
MISTAKES = [
    ("SYNTAX_SPECIFIED", 'syntax = "proto2";', 'syntax = "proto3";'),
    ("PACKAGE_DIRECTORY_MATCH", "package acme.dogs.v1;", "package acme.pets.v1;"),
    ("PACKAGE_DEFINED", "", "package acme.pets.v1;"),
    ("IMPORT_NO_PUBLIC", 'import public "google/rpc/status.proto";', 'import "google/rpc/status.proto";'),
    ("IMPORT_NO_WEAK", 'import weak "google/rpc/status.proto";', 'import "google/rpc/status.proto";'),
    ("ENUM_VALUE_PREFIX", "  KIND_PLAIN = 1;", "  HTTP_KIND_PLAIN = 1;"),
    ("ENUM_VALUE_PREFIX", "    UNSPECIFIED_COLOUR_UNSPECIFIED = 0;", "    COLOUR_UNSPECIFIED = 0;"),
    ("ENUM_VALUE_UPPER_SNAKE_CASE", "  HTTP_KIND_Plain = 1;", "  HTTP_KIND_PLAIN = 1;"),
    ("ENUM_ZERO_VALUE_SUFFIX", "  HTTP_KIND_UNKNOWN = 0;", "  HTTP_KIND_UNSPECIFIED = 0;"),
    ("ENUM_NO_ALLOW_ALIAS",
     "enum HTTPKind { option allow_alias = true; HTTP_KIND_UNSPECIFIED = 0; HTTP_KIND_SIMPLE = 1;",
     "enum HTTPKind {\n  HTTP_KIND_UNSPECIFIED = 0;"),
    ("MESSAGE_PASCAL_CASE", "message other_pet {} message Pet {", "message Pet {"),
    ("MESSAGE_PASCAL_CASE", "message Pet { message inner {}", "message Pet {"),
    ("ENUM_PASCAL_CASE", "enum http_other { HTTP_OTHER_UNSPECIFIED = 0; } enum HTTPKind {", "enum HTTPKind {"),
    ("FIELD_LOWER_SNAKE_CASE", "    string personId = 3;", "    string person_id = 3;"),
    ("FIELD_LOWER_SNAKE_CASE", "  string id_ = 1;", "  string id = 1;"),
    ("ONEOF_LOWER_SNAKE_CASE", "  oneof theOwner {", "  oneof owner {"),
    ("SERVICE_SUFFIX", "service Pets {", "service PetService {"),
    ("SERVICE_PASCAL_CASE", "service pet_Service {", "service PetService {"),
    ("RPC_PASCAL_CASE", "  rpc get(GetPetRequest)", "  rpc GetPet(GetPetRequest)"),
    ("RPC_REQUEST_STANDARD_NAME", "  rpc GetPet(Pet)", "  rpc GetPet(GetPetRequest)"),
    ("RPC_RESPONSE_STANDARD_NAME", "returns (Pet)", "returns (GetPetResponse)"),
    ("RPC_REQUEST_RESPONSE_UNIQUE", "  rpc Feed(stream GetPetRequest)", "  rpc Feed(stream PetServiceFeedRequest)"),
]
# What a mistake can't be without: another name breaks another rule too.
COMPANIONS = {"SERVICE_SUFFIX": {"RPC_REQUEST_STANDARD_NAME", "RPC_RESPONSE_STANDARD_NAME"},
              "SERVICE_PASCAL_CASE": {"RPC_REQUEST_STANDARD_NAME", "RPC_RESPONSE_STANDARD_NAME"},
              "RPC_PASCAL_CASE": {"RPC_REQUEST_STANDARD_NAME", "RPC_RESPONSE_STANDARD_NAME"},
              "RPC_REQUEST_RESPONSE_UNIQUE": {"RPC_REQUEST_STANDARD_NAME"}}


@pytest.fixture
def lint(tmp_path):
    """lint({path: text}) → the findings as (path, line, rule)."""

    def run(files, folder=tmp_path):
        for path, text in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text, encoding="utf-8")
        done = subprocess.run([ROOT / "scripts/lint_protos", folder], capture_output=True, text=True)
        found = re.findall(r"^(\S+):(\d+): ([A-Z_]+): \S", done.stdout, re.M)
        assert len(found) == len(done.stdout.splitlines()) and done.returncode == bool(found), done
        return [(path, int(line), rule) for path, line, rule in found]

    return run


def rules(found):
    return {rule for _, _, rule in found}


def test_good_protos_and_our_own_have_no_findings(lint):
    assert lint({PATH: GOOD}) == []
    assert lint({}, ROOT / "protos") == []


@pytest.mark.parametrize("rule, wrong, right", MISTAKES, ids=lambda text: text if text.isupper() else "")
def test_each_mistake_is_found_at_its_line(lint, rule, wrong, right):
    assert GOOD.count(right) == 1
    text = GOOD.replace(right, wrong)
    if "proto2" in wrong:
        text = re.sub(r"^(  string id|  google.protobuf|  HTTPKind kind|  Pet pet)", r"  optional \1", text, flags=re.M)
    found = lint({PATH: text})
    line = GOOD[:GOOD.index(right)].count("\n") + 1
    wanted = 1 if rule in ("SYNTAX_SPECIFIED", "PACKAGE_DEFINED") else line
    assert (PATH, wanted, rule) in found, found
    assert rules(found) <= {rule} | COMPANIONS.get(rule, set()), found


@pytest.mark.parametrize("version, good", [
    ("v1", True), ("v12", True), ("v1beta1", True), ("v1alpha", True), ("v1p1beta1", True), ("v2test", True),
    ("pets", False), ("v0", False), ("version1", False), ("v1beta0", False)])
def test_a_package_ends_with_a_version(lint, version, good):
    found = lint({f"acme/{version}/pet.proto": f'syntax = "proto3";\npackage acme.{version};\nmessage Pet {{}}\n'})
    assert found == ([] if good else [(f"acme/{version}/pet.proto", 2, "PACKAGE_VERSION_SUFFIX")])


def test_a_version_alone_is_no_package(lint):
    assert rules(lint({"v1/pet.proto": 'syntax = "proto3"; package v1;'})) == {"PACKAGE_VERSION_SUFFIX"}


def test_names_of_files_and_packages(lint):
    assert lint({"acme/v1/petShop.proto": 'syntax = "proto3";\npackage acme.v1;\n'}) == [
        ("acme/v1/petShop.proto", 1, "FILE_LOWER_SNAKE_CASE")]
    assert lint({"Acme/v1/pet.proto": 'syntax = "proto3";\npackage Acme.v1;\n'})[0] == (
        "Acme/v1/pet.proto", 2, "PACKAGE_LOWER_SNAKE_CASE")


@pytest.mark.parametrize("option", ['go_package = "x"', "java_multiple_files = true", 'java_package = "x"',
                                    'csharp_namespace = "x"', 'php_namespace = "x"', 'ruby_package = "x"',
                                    'swift_prefix = "x"'])
def test_files_of_a_package_say_the_same_of_their_languages(lint, option):
    head = 'syntax = "proto3";\npackage acme.v1;\n'
    found = lint({"acme/v1/a.proto": head, "acme/v1/b.proto": head + f"option {option};\n"})
    assert found == [("acme/v1/b.proto", 1, "PACKAGE_SAME_" + option.split()[0].upper())]


def test_requests_are_unique_across_files(lint):
    def file(name):
        return (f'syntax = "proto3";\npackage acme.v1;\nimport "acme/v1/x.proto";\nservice {name}Service {{\n'
                "  rpc Get(GetRequest) returns (GetResponse);\n}\n")
    shared = 'syntax = "proto3";\npackage acme.v1;\nmessage GetRequest {}\nmessage GetResponse {}\n'
    found = lint({"acme/v1/a.proto": file("A"), "acme/v1/b.proto": file("B"), "acme/v1/x.proto": shared})
    assert found == [("acme/v1/b.proto", 5, "RPC_REQUEST_RESPONSE_UNIQUE")] * 2


@pytest.mark.parametrize("wrong, right", [
    ("", 'syntax = "proto3";'), ('import "google/rpc/status.proto"; import "google/protobuf/any.proto";',
                                 'import "google/rpc/status.proto";'),
    ("  HTTP_KIND_UNSPECIFIED = 2;", "  HTTP_KIND_UNSPECIFIED = 0;"), ("  required string id = 1;", "  string id = 1;")])
def test_what_protoc_finds_is_told_in_its_words(tmp_path, wrong, right):
    (tmp_path / PATH).parent.mkdir(parents=True)
    (tmp_path / PATH).write_text(GOOD.replace(right, wrong), encoding="utf-8")
    done = subprocess.run([ROOT / "scripts/lint_protos", tmp_path], capture_output=True, text=True)
    assert done.returncode == 2 and PATH in done.stderr, done


def test_extensions_of_options_count_as_used(lint):
    option = ('syntax = "proto3";\npackage acme.v1;\nimport "google/protobuf/descriptor.proto";\n'
              "extend google.protobuf.FieldOptions {\n  bool is_secret = 50001;\n}\n")
    user = ('syntax = "proto3";\npackage acme.v1;\nimport "acme/v1/option.proto";\n'
            "message Pet {\n  string name = 1 [(acme.v1.is_secret) = true];\n}\n")
    assert lint({"acme/v1/option.proto": option, "acme/v1/pet.proto": user}) == []


def test_broken_files_empty_folders_and_wrong_usage_end_with_2(tmp_path):
    def code(*arguments):
        return subprocess.run([ROOT / "scripts/lint_protos", *arguments], capture_output=True, text=True).returncode
    assert code(tmp_path) == 2
    (tmp_path / "x.proto").write_text("message {")
    assert code(tmp_path) == 2
    assert code("--fix") == 2 and code(tmp_path, "more") == 2
    assert code("--help") == 0
