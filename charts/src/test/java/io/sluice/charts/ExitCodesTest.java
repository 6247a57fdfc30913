package io.sluice.charts;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.cli.output.ExitCode;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** How each command of docs/commands.md ends that cannot do its work. */
class ExitCodesTest {
  private static final String CLUSTER = "--kubeconfig KUBECONFIG";
  private static final String NODE = "--node-name no-such-node-on-this-machine";
  private static final String CONTROLLER = "--state STATE";

  /** What a command asks, and words of the failure when nobody is there. */
  private static final Map<String, Target> TARGETS = targets();

  /** They ask nobody, or run until they are stopped; each with the arguments that it demands. */
  private static final Map<String, String> WITHOUT_TARGET =
      Map.ofEntries(
          Map.entry("demo", ""),
          Map.entry("node run", ""),
          Map.entry("node capabilities", ""),
          Map.entry("node cni status", ""),
          Map.entry("node cni uninstall", ""),
          Map.entry("node cleanup", ""),
          Map.entry("node train", ""),
          Map.entry("control run", CONTROLLER),
          Map.entry("control token list", CONTROLLER),
          Map.entry("init", "STATE"),
          Map.entry("validate", "-"),
          Map.entry("check", "--without-cluster"),
          Map.entry("verify control-plane-health", "--without-cluster"),
          Map.entry("support error-info", ""),
          Map.entry("support bug-report", "-o STATE/report.tar.gz"),
          Map.entry("completion", "bash"));

  @TempDir private Path directory = Path.of("");
  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();
  private String server = "";

  /**
   * @param arguments what leads to the target
   * @param name what the failure calls it
   * @param advice what it says to do
   */
  record Target(String arguments, String name, String advice) {}

  private static Map<String, Target> targets() {
    Map<String, Target> targets = new LinkedHashMap<>();
    String chart = CLUSTER + " --chart " + Chart.FOLDER;
    String unreached = "the API server SERVER is not reached: it takes no connection";
    String reach = "; check --kubeconfig and --context";
    targets.put("install", new Target(chart, unreached, reach));
    targets.put("upgrade", new Target(chart, unreached, reach));
    targets.put("uninstall", new Target("--yes " + chart, unreached, reach));
    targets.put("mesh list", new Target(CLUSTER, unreached, reach));
    targets.put("mesh upgrade", new Target(chart, unreached, reach));
    targets.put("version", new Target(CLUSTER, unreached, reach));
    targets.put("namespace add", new Target("shop " + CLUSTER, unreached, reach));
    targets.put("namespace remove", new Target("shop " + CLUSTER, unreached, reach));
    targets.put("namespace ignore", new Target("shop " + CLUSTER, unreached, reach));
    targets.put("metrics enable", new Target("--namespace shop " + CLUSTER, unreached, reach));
    targets.put("metrics disable", new Target("--namespace shop " + CLUSTER, unreached, reach));
    targets.put("namespace list", new Target(CLUSTER, unreached, reach));
    String maps = "sluice node maps";
    for (String command : List.of("status", "pods", "certificates", "events")) {
      targets.put("node " + command, new Target(NODE, "no-such-node-on-this-machine", maps));
    }
    for (String command : List.of("stat", "top", "tap", "cost", "dashboard")) {
      targets.put(command, new Target(NODE, "no-such-node-on-this-machine", maps));
    }
    String call = "shop/buyer shop/store " + NODE;
    targets.put("why", new Target(call, "no-such-node-on-this-machine", ""));
    targets.put("policy check-pods", new Target(call, "no-such-node-on-this-machine", ""));
    targets.put("proxy get", new Target("ready buyer " + NODE, "no-such-node-on-this-machine", ""));
    targets.put(
        "proxy set", new Target("logging buyer " + NODE, "no-such-node-on-this-machine", ""));
    targets.put("policy check-conflicts", new Target(CLUSTER, unreached, reach));
    targets.put(
        "verify connectivity",
        new Target(
            "--from-pod shop/buyer --to-pod shop/store " + NODE,
            "no-such-node-on-this-machine",
            ""));
    targets.put(
        "verify ingress",
        new Target(
            "--from-range 192.0.2.0/24 --to-pod shop/store " + NODE + " " + CLUSTER,
            unreached,
            reach));
    for (String command : List.of("policy replay --suggest", "offline", "offline extend")) {
      targets.put(
          command.replace(" --suggest", ""),
          new Target(
              NODE + (command.endsWith("suggest") ? " --suggest" : ""),
              "no-such-node-on-this-machine",
              ""));
    }
    String start = "start";
    targets.put("node maps list", new Target(NODE, "no-such-node-on-this-machine", start));
    targets.put(
        "node maps dump", new Target("pods " + NODE, "no-such-node-on-this-machine", start));
    targets.put("control token", new Target("--node edge1 " + CONTROLLER, "STATE", start));
    targets.put(
        "control token revoke",
        new Target("0123456789abcdef " + CONTROLLER, "0123456789abcdef", "token list"));
    targets.put("control status", new Target(CONTROLLER, "STATE", start));
    targets.put("control rotate-root", new Target(CONTROLLER, "STATE", start));
    return targets;
  }

  @BeforeEach
  void nobodyIsThere() throws IOException {
    try (ServerSocket closed = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      server = "https://127.0.0.1:" + closed.getLocalPort();
    }
    Files.writeString(
        directory.resolve("kubeconfig"),
        """
        apiVersion: v1
        kind: Config
        clusters: [{name: site, cluster: {server: "%s"}}]
        contexts: [{name: site, context: {cluster: site, user: me}}]
        users: [{name: me, user: {token: secret}}]
        current-context: site
        """
            .formatted(server));
    Files.createDirectory(
        directory.resolve("state"),
        PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
  }

  private String filled(String text) {
    return text.replace("KUBECONFIG", directory.resolve("kubeconfig").toString())
        .replace("STATE", directory.resolve("state").toString())
        .replace("SERVER", server);
  }

  private int run(String line) {
    return TreeCommand.commandLine()
        .setOut(new PrintWriter(out))
        .setErr(new PrintWriter(err))
        .execute(line.strip().split(" +"));
  }

  static List<String> commands() throws IOException {
    return Files.readAllLines(Chart.ROOT.resolve("docs/commands.md")).stream()
        .filter(line -> line.startsWith("## sluice "))
        .map(line -> line.substring("## sluice ".length()))
        .toList();
  }

  static Stream<String> commandsWithATarget() {
    return TARGETS.keySet().stream();
  }

  @Test
  void everyCommandIsTried() throws IOException {
    List<String> known = new ArrayList<>(TARGETS.keySet());
    known.addAll(WITHOUT_TARGET.keySet());

    assertThat(new TreeSet<>(commands())).hasSizeGreaterThan(20).isEqualTo(new TreeSet<>(known));
  }

  @ParameterizedTest
  @MethodSource("commands")
  void unknownOptionIsAWrongArgument(String command) {
    Target target = TARGETS.get(command);
    String needed = target == null ? WITHOUT_TARGET.get(command) : target.arguments();

    int code = run(command + " --no-such-option " + filled(needed == null ? "" : needed));

    assertThat(code).isEqualTo(ExitCode.USAGE.code());

    assertThat(err.toString()).contains("unknown option '--no-such-option'; see");
    assertThat(err.toString().lines()).hasSize(1);
    assertThat(out.toString()).isEmpty();
  }

  @ParameterizedTest
  @MethodSource("commandsWithATarget")
  void nobodyThereIsAFailureWithAdvice(String command) {
    Target target = Objects.requireNonNull(TARGETS.get(command));

    int code = run(command + " " + filled(target.arguments()));

    assertThat(err.toString())
        .startsWith("sluice: ")
        .contains(filled(target.name()))
        .contains(target.advice());
    assertThat(err.toString().lines()).hasSize(1);
    assertThat(code).isEqualTo(ExitCode.FAILED.code());
    assertThat(out.toString()).isEmpty();
  }

  /** A value that cannot be used needs no page of options to be told. */
  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      quoteCharacter = '"',
      value = {
        "version --kubeconfig STATE/none; version; --kubeconfig STATE/none cannot be read: no such file",
        "install --values STATE/none; install; --values STATE/none cannot be read: no such file",
        "install --set interception; install; 'interception'",
        "install --chart STATE; install; --chart STATE is no chart",
        "node run --registry STATE/none; node run; --registry STATE/none is not a folder",
        "node run --mode sidecar; node run; expected one of [ebpf, iptables, auto]",
        "control token --node edge1; control token; --state DIR and --node NAME are needed"
      })
  void aFaultOfAValueIsToldAlone(String line, String command, String fault) {
    int code = run(filled(line));

    assertThat(code).isEqualTo(ExitCode.USAGE.code());
    assertThat(err.toString())
        .startsWith("sluice: ")
        .contains(filled(fault))
        .endsWith("; see 'sluice " + command + " --help'\n")
        .doesNotContain("Usage:", "Exception");
    assertThat(out.toString()).isEmpty();
  }

  @Test
  void aFileThatIsNotThereIsCalledSo() {
    assertThat(run(filled("validate STATE/none.yaml"))).isEqualTo(ExitCode.USAGE.code());

    assertThat(err.toString())
        .startsWith(filled("sluice: STATE/none.yaml: the file cannot be read: no such file; "))
        .doesNotContain("Exception");
  }
}
