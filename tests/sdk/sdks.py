"""Which SDKs there are: how each is generated, compiled and run, and which warnings of its generator are accepted."""

import hashlib
import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
BUILD = HERE.parents[1] / "build"
# The generators and what SDKs need are installed once, outside of the repository, for each state of their locks.
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "accounts-backend"


def kept(lock: str, folder: Path = HERE) -> Path:
    return CACHE / f"{folder.name}-{lock}-{hashlib.sha256((folder / lock).read_bytes()).hexdigest()[:16]}"


PYTHON = kept("requirements.txt") / "bin"
NODE = kept("package-lock.json")
# Node looks for packages in the folders above, so a link to them lies beside the SDKs.
NODE_MODULES = BUILD / "node_modules"
DOCUMENT = "schema.json"

# Why each is let pass. Every other warning of a generator fails.
SAYS_OF_EVERY_DOCUMENT = {"Failed to get the schema name: null": "7.26 says it of every document with a component"}
IS_RENAMED = {
    r"(string|int32) \(reserved word\) cannot be used as model name": (
        "The package's 422 tells places that are texts or numbers, and Go has no name for either; the code compiles"
    )
}

Command = list[str]


@dataclass(frozen=True, kw_only=True)
class Sdk:
    """One SDK, in a folder of its own under build/sdk/.

    needs: the programs without which it cannot be made. query: what is asked of /api/schema/. generate, compile, run:
    the commands, in its folder; the journey and what belongs to it are copied there before the compilation.
    """

    name: str
    needs: tuple[str, ...]
    generate: list[Command]
    compile: list[Command] = field(default_factory=list)
    run: Command
    query: str = ""
    accepted: dict[str, str] = field(default_factory=dict)
    files: tuple[str, ...] = ()

    @property
    def folder(self) -> Path:
        return BUILD / "sdk" / self.name

    @property
    def missing(self) -> list[str]:
        return [program for program in self.needs if shutil.which(program) is None]


def openapi_generator(generator: str, folder: str, **options: str) -> Command:
    properties = ",".join(f"{name}={value}" for name, value in options.items())
    command = [str(PYTHON / "openapi-generator-cli"), "generate", "-i", DOCUMENT, "-g", generator, "-o", folder]
    # Its tests are empty, and those of Go look for a module that nobody has named.
    command += ["--global-property", "apiTests=false,modelTests=false"]
    return [*command, "--additional-properties", properties] if properties else command


def node(*command: str) -> Command:
    return [str(NODE_MODULES / ".bin" / command[0]), *command[1:]]


TSC = node("tsc", "--project", ".")
TYPESCRIPT = ("node", "npm")
RUN_NODE = ["node", "built/journey.js"]
# An SDK goes on working where the server has got another code or field since.
FUTURE = {"enumUnknownDefaultCase": "true", "disallowAdditionalPropertiesIfNotPresent": "false"}
SHARED = ("step.ts", "tsconfig.json")
GRAPHQL = [node("graphql-codegen", "--config", "codegen.json")]
GRAPHQL_SHARED = (*SHARED, "../../docs/graphql/query.graphql")

SDKS = [
    Sdk(
        name="python",
        needs=("java",),
        generate=[openapi_generator("python", ".", packageName="accounts_sdk", projectName="accounts-sdk")],
        accepted=SAYS_OF_EVERY_DOCUMENT,
        compile=[[str(PYTHON / "python"), "-W", "error", "-m", "compileall", "-q", "accounts_sdk"]],
        run=[str(PYTHON / "python"), "-W", "error", "journey.py"],
    ),
    Sdk(
        name="openapi-python-client",
        needs=(),
        query="&media=json",
        generate=[
            [
                *(str(PYTHON / "openapi-python-client"), "generate", "--path", DOCUMENT, "--config", "config.yml"),
                *("--output-path", ".", "--overwrite", "--fail-on-warning"),
            ]
        ],
        compile=[[str(PYTHON / "python"), "-W", "error", "-m", "compileall", "-q", "accounts_sdk"]],
        run=[str(PYTHON / "python"), "-W", "error", "journey.py"],
    ),
    Sdk(
        name="typescript-fetch",
        needs=("java", *TYPESCRIPT),
        generate=[openapi_generator("typescript-fetch", "sdk")],
        accepted=SAYS_OF_EVERY_DOCUMENT,
        compile=[TSC],
        run=RUN_NODE,
        files=SHARED,
    ),
    Sdk(
        name="typescript-axios",
        needs=("java", *TYPESCRIPT),
        generate=[openapi_generator("typescript-axios", "sdk")],
        accepted=SAYS_OF_EVERY_DOCUMENT,
        compile=[TSC],
        run=RUN_NODE,
        files=SHARED,
    ),
    Sdk(
        name="openapi-fetch",
        needs=TYPESCRIPT,
        generate=[node("openapi-typescript", DOCUMENT, "--enum", "--output", "sdk.ts")],
        compile=[TSC],
        run=RUN_NODE,
        files=SHARED,
    ),
    Sdk(
        name="go",
        needs=("java", "go"),
        generate=[
            openapi_generator(
                "go", "accounts", packageName="accounts", withGoMod="false", enumClassPrefix="true", **FUTURE
            )
        ],
        accepted=SAYS_OF_EVERY_DOCUMENT | IS_RENAMED,
        compile=[["go", "vet", "./..."], ["go", "build", "-o", "journey", "."]],
        run=["./journey"],
    ),
    Sdk(
        name="oapi-codegen",
        needs=("go",),
        generate=[["go", "tool", "oapi-codegen", "-config", "config.yml", DOCUMENT]],
        compile=[["go", "vet", "./..."], ["go", "build", "-o", "journey", "."]],
        run=["./journey"],
    ),
    Sdk(
        name="java",
        needs=("java", "mvn"),
        generate=[openapi_generator("java", "sdk", hideGenerationTimestamp="true", **FUTURE)],
        accepted=SAYS_OF_EVERY_DOCUMENT,
        compile=[["mvn", "-q", "-B", "package"]],
        run=["java", "-cp", "target/journey.jar:target/lib/*", "Journey"],
    ),
    Sdk(
        name="kotlin",
        needs=("java", "mvn"),
        generate=[
            openapi_generator("kotlin", "sdk", serializationLibrary="gson", generateOneOfAnyOfWrappers="true", **FUTURE)
        ],
        accepted=SAYS_OF_EVERY_DOCUMENT,
        compile=[["mvn", "-q", "-B", "package"]],
        run=["java", "-cp", "target/journey.jar:target/lib/*", "JourneyKt"],
    ),
    Sdk(name="apollo", needs=TYPESCRIPT, generate=GRAPHQL, compile=[TSC], run=RUN_NODE, files=GRAPHQL_SHARED),
    Sdk(name="urql", needs=TYPESCRIPT, generate=GRAPHQL, compile=[TSC], run=RUN_NODE, files=GRAPHQL_SHARED),
]
