package io.sluice.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.cli.output.ExitCode;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;

/** Commands as they are typed; none of these reaches the kernel. */
class CommandLineTest {
  /** A node that has neither a daemon nor pins. */
  private static final String NOBODY = "no-such-node-on-this-machine";

  @TempDir private Path directory = Path.of("");
  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();

  private int run(String... arguments) {
    return run(SluiceCommand.commandLineFor(arguments), arguments);
  }

  private int run(CommandLine commands, String... arguments) {
    return commands.setOut(new PrintWriter(out)).setErr(new PrintWriter(err)).execute(arguments);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "node run --help",
        "node run",
        "node run --what",
        "node run --mode sidecar",
        "node run pods --registry /nonexistent",
        "node",
        "node stats",
        "proxy --help",
        "proxy get ready",
        "why --what"
      })
  void aCommandThatIsReadAloneSaysTheSame(String line) {
    int code = run(line.split(" "));
    String told = out + "and" + err;
    out.getBuffer().setLength(0);
    err.getBuffer().setLength(0);

    assertThat(SluiceCommand.commandLineFor(line.split(" ")).getSubcommands()).hasSize(1);
    assertThat(run(SluiceCommand.commandLine(), line.split(" "))).isEqualTo(code);
    assertThat(told).isEqualTo(out + "and" + err).contains("sluice " + line.split(" ")[0]);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "node run; --registry",
        "node run --registry DIR --mode sidecar; expected one of [ebpf, iptables, auto]",
        "node run --registry DIR --drain-seconds -1; outside 0..3600",
        "node run --registry DIR --drain-seconds soon; --drain-seconds",
        "node run --registry DIR --node-name Not_A_Host; 1 to 253 of a-z",
        "node run --registry DIR --metrics-address 9090; has no port",
        "node run --registry DIR --metrics-address [::]:x; no valid port",
        "node run --registry DIR --metrics-address 127.0.0.1:70000; out of range",
        "node run --registry DIR --metrics-address host:1; not an IP address",
        "node run --registry DIR --cgroup-root kubepods; not an absolute path",
        "node run --registry DIR --control host --join-token T; 'host' has no port",
        "node run --registry DIR --control [::1]:15012; give either --join-token FILE, or",
        "node run --registry DIR --control a:1 --join-token T --control-roots R; give either",
        "node run --registry DIR --control a:1 --control-token T; give either",
        "node run --registry DIR --join-token T; need --control HOST:PORT",
        "node run --registry DIR --keep-keys; need --control HOST:PORT",
        "node run --registry DIR --what; --what",
        "control run --registry DIR; --state",
        "control run --state DIR; give either --registry DIR or --kubernetes",
        "control run --registry DIR --kubernetes --state DIR; give either --registry DIR or",
        "control run --registry DIR --kubeconfig F --state DIR; --kubeconfig is for --kubernetes",
        "control run --registry DIR --state DIR --replica-name a; --replica-name is for --kubernetes",
        "control run --registry DIR --state DIR --trust-bundle-config-map a; --trust-bundle-config-map is for --kubernetes",
        "control run --kubernetes --state DIR --replica-name a --trust-bundle-config-map a_b; 'a_b' names no ConfigMap",
        "control run --kubernetes --replica-name a_b --state DIR; 'a_b' names no replica",
        "control run --kubernetes --kubeconfig /nonexistent --state DIR; cannot be read",
        "control run --registry DIR --state DIR --leaf-lifetime 1d12h; no duration such as",
        "control run --registry DIR --state DIR --leaf-lifetime 10s; the leaf lifetime is PT1M",
        "control run --registry DIR --state DIR --node-lifetime 1h; as long as leaves",
        "control run --registry DIR --state DIR --listen 15012; --listen '15012' has no port",
        "control run --registry DIR --state DIR --node-account node; --node-account: 'node' is not",
        "control run --registry DIR --state DIR --webhook 9443; --webhook '9443' has no port",
        "control run --registry DIR --state DIR --webhook-key K; need each other",
        "validate; FILE|DIR|-",
        "validate -o yaml DIR; yaml",
        "control token --node edge1; --state DIR and --node NAME are needed",
        "control token --state /nonexistent --node edge1; is not a folder",
        "control token revoke --state DIR; ID",
        "control rotate-root --state DIR --cancel --now-distribute-for 1m; exclude each other",
        "node maps dump; NAME",
        "node pods -o yaml; yaml",
        "node nonsense; nonsense",
        "proxy get; QUERY",
        "proxy get ready; POD",
        "proxy get heap web; config_dump",
        "proxy get ready ../web; names no Pod",
        "proxy get ready web -n a/b; names no Pod",
        "proxy get ready web --kubeconfig /nonexistent; cannot be read",
        "proxy set logging; POD",
        "proxy set reset_counters web; 'reset_counters' cannot be set: write logging or",
        "proxy set logging?level=loud web; trace, debug, info, warn, error or disabled, or default",
        "proxy set logging?level=debug web --for 25h; 90000 s is outside 1 s to 24 h",
        "proxy set logging?level=debug web --for 0s; 0 s is outside",
        "proxy set logging ../web; names no Pod",
        "proxy set logging web --kubeconfig /nonexistent; cannot be read",
        "policy check-conflicts Gossip --registry DIR; KIND 'Gossip' is not read",
        "why shop/buyer shop/store get /x; METHOD 'get' is written in capitals: GET",
        "policy check-conflicts --kubeconfig /nonexistent; cannot be read",
        "dashboard --address 0.0.0.0:80; is none of the loopback",
        "dashboard --address 127.0.0.1; has no port",
        "dashboard --control-state /nonexistent; --control-state /nonexistent is not a folder",
        "dashboard --control-state DIR --context x; --kubeconfig or --context name two meshes",
        "stat pod; expected one of [workload, edge, route]",
        "stat --window 0s; --window 0s is no time; write 1s or more",
        "top --every 0s; --every 0s is no time",
        "top --rounds 0; --rounds 0 shows nothing; write 1 or more",
        "cost --window 0s; --window 0s is no time; write 1s or more",
        "tap --status 6xx; --status '6xx' is no status: write 404, or 5xx, or 0 for no answer",
        "tap --verdict no; --verdict 'no' is none: write allowed or refused",
        "tap --path api; --path 'api' does not begin with /",
        "tap --max -1; --max -1 is less than 0",
        "policy replay DIR --suggest; --suggest takes no candidate",
        "policy replay DIR --allowed-only; --allowed-only is for --suggest",
        "support error-info X1; see 'sluice support error-info --help'",
        "support bug-report --node-name n -o /nonexistent/x.tar.gz; cannot be written: no such file",
        "verify connectivity --from-pod a/b --to-pod c; --to-pod 'c' is not NAMESPACE/NAME",
        "verify connectivity --from-pod a/b --to-pod a/c --to-service a/d; is a name alone",
        "verify connectivity --from-pod a/b; say --to-pod NAMESPACE/NAME, or --to-ext-host",
        "verify connectivity --from-pod a/b --to-ext-host h; --to-ext-host needs --to-ext-port",
        "verify connectivity --from-pod a/b --to-ext-host h --to-ext-port 0; 0 is no port",
        "verify connectivity --from-pod a/b --to-ext-port 80; --to-ext-port is for --to-ext-host",
        "verify connectivity --from-pod a/b --to-pod a/c --to-ext-host h --to-ext-port 80; not both",
        "verify connectivity --from-pod a/b --to-service d --to-ext-host h --to-ext-port 80; not both",
        "verify connectivity --from-pod a/b --to-ext-host a/h --to-ext-port 80; is no host",
        "verify connectivity --from-pod a/b --to-pod a/c --app-protocol https; is for --to-ext-host"
      })
  void wrongArgumentsAreToldWithExitCodeTwo(String line, String told) {
    int code = run(line.replace("DIR", directory.toString()).split(" "));

    assertThat(code).isEqualTo(ExitCode.USAGE.code());
    assertThat(err.toString()).contains(told);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "node status; no daemon answers",
        "node pods; `sluice node maps list`",
        "node certificates -o wide; no daemon answers",
        "node events; no daemon answers",
        "node maps list; neither a running daemon nor pinned maps",
        "node maps dump pods; neither a running daemon nor pinned maps",
        "dashboard --address 127.0.0.1:0; no daemon answers",
        "proxy get ready shop/web; no daemon answers",
        "proxy set logging shop/web; no daemon answers"
      })
  void missingDaemonIsAFailureWithAdvice(String line, String told) {
    int code = run((line + " --node-name " + NOBODY).split(" "));

    assertThat(code).isEqualTo(ExitCode.FAILED.code());
    assertThat(err.toString()).startsWith("sluice: ").contains(told, NOBODY);
    assertThat(err.toString().lines()).hasSize(1);
  }

  @ParameterizedTest
  @ValueSource(strings = {"cleanup", "status", "maps list"})
  void nameThatLeadsElsewhereIsAWrongArgument(String command) {
    int code = run(("node " + command + " --node-name ../..").split(" "));

    assertThat(code).isEqualTo(ExitCode.USAGE.code());
    assertThat(err.toString()).contains("--node-name").contains("'../..'");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "control status; no controller answers",
        "control rotate-root; no controller answers",
        "control token --node edge1; start 'sluice control run' with this --state first",
        "control token revoke 0123456789abcdef; there is no open token"
      })
  void missingControllerIsAFailureWithAdvice(String line, String told) throws IOException {
    Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwx------"));
    int code = run((line + " --state " + directory).split(" "));

    assertThat(code).isEqualTo(ExitCode.FAILED.code());
    assertThat(err.toString()).startsWith("sluice: ").contains(told);
    assertThat(err.toString().lines()).hasSize(1);
  }

  @Test
  void uninstallingAPluginThatIsNotThereIsToldOnce() {
    String line = "node cni uninstall --binary --cni-root DIR --cni-conf-dir /c --cni-bin-dir /b";

    assertThat(run(line.replace("DIR", directory.toString()).split(" "))).isZero();
    assertThat(out.toString())
        .isEqualTo(
            "nothing to remove: no 00-00-sluice.conflist in [/c, /etc/cni/net.d], no sluice-cni in"
                + " [/b]\n");
  }

  private static Stream<List<String>> commands() {
    return Stream.of(
            "",
            "control",
            "control run",
            "control token",
            "control token list",
            "control token revoke",
            "control status",
            "control rotate-root",
            "node",
            "node run",
            "node status",
            "node pods",
            "node events",
            "node maps",
            "node maps list",
            "node maps dump",
            "node cleanup",
            "node cni status",
            "proxy",
            "proxy get",
            "proxy set",
            "policy check-conflicts",
            "verify control-plane-health",
            "namespace",
            "namespace add",
            "namespace remove",
            "namespace list")
        .map(line -> Arrays.stream(line.split(" ")).filter(word -> !word.isEmpty()).toList());
  }

  @ParameterizedTest
  @MethodSource("commands")
  void everyCommandDescribesItself(List<String> words) {
    int code = run(Stream.concat(words.stream(), Stream.of("--help")).toArray(String[]::new));

    assertThat(code).isZero();
    assertThat(out.toString()).contains("Usage: ").contains("--help");
    assertThat(err.toString()).isEmpty();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "''; a command is missing: node, control, namespace, metrics,",
        "node maps; a command is missing: list, dump; see 'sluice node maps --help'",
        "node; a command is missing: run, status, pods, certificates, events, maps,",
        "bogus; unknown command 'bogus'; see 'sluice --help'",
        "valdiate; unknown command 'valdiate'; did you mean 'validate'?; see 'sluice --help'",
        "node stats; unknown command 'stats'; did you mean 'status'?; see 'sluice node --help'",
        "node status --bogus; unknown option '--bogus'; see 'sluice node status --help'",
        "node status --node-nme=x; unknown option '--node-nme'; did you mean '--node-name'?;",
        "node events -f x; unexpected argument 'x'; see 'sluice node events --help'",
        "metrics enable; missing required option '--namespace=NAMESPACE'; see 'sluice metrics",
        "namespace add; missing required parameter 'NAMESPACE'; see 'sluice namespace add --help'",
        "node pods --node-name; missing required parameter for option '--node-name' (NAME); see",
        "node pods -o yaml; expected one of [table, wide, json] but was 'yaml'; see 'sluice node pods",
        "control status --state DIR --workers x; unknown option '--workers'; see 'sluice control status --help'",
        "namespace list --kubeconfig /no; --kubeconfig /no"
      })
  void whatIsWrongIsOneLineAndAlone(String line, String told) {
    int code = run(line.isEmpty() ? new String[0] : line.split(" "));

    assertThat(code).isEqualTo(ExitCode.USAGE.code());
    assertThat(err.toString()).startsWith("sluice: ").contains(told);
    assertThat(err.toString().lines()).hasSize(1);
    assertThat(out.toString()).isEmpty();
  }
}
