package io.sluice.charts;

import static org.assertj.core.api.Assertions.assertThat;

import io.fabric8.kubernetes.api.model.HasMetadata;
import io.sluice.cli.output.ExitCode;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** {@code sluice install --print}: no cluster is there, and none is asked. */
class PrintedChartTest {
  /** Of custom resources, which come before all else. */
  private static final int DEFINITIONS = 16;

  private static final String OWN_CERTIFICATE =
      "--set webhook.certificate.existingSecret=mine,webhook.certificate.caBundle=x ";

  @TempDir private Path directory = Path.of("");
  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();

  private int execute(String line) {
    out.getBuffer().setLength(0);
    return ChartCommand.commandLine()
        .setOut(new PrintWriter(out))
        .setErr(new PrintWriter(err))
        .execute(line.strip().split(" +"));
  }

  private String printed(String options) {
    int code = execute("install --print --chart " + Chart.FOLDER + " " + options);
    assertThat(err.toString()).isEmpty();
    assertThat(code).isEqualTo(ExitCode.OK.code());
    return out.toString();
  }

  @Test
  void definitionsAreFirstAndEveryObjectIsWellFormed() {
    List<HasMetadata> objects = StrictReader.read(printed(""));

    assertThat(objects).hasSizeGreaterThan(15);
    assertThat(objects.subList(0, DEFINITIONS))
        .allMatch(each -> each.getKind().equals("CustomResourceDefinition"));
    assertThat(objects.subList(DEFINITIONS, objects.size()))
        .noneMatch(each -> each.getKind().equals("CustomResourceDefinition"))
        .anyMatch(each -> each.getKind().equals("DaemonSet"));
  }

  @Test
  void podOfHelmTestIsLastAndMarkedAndCanBeLeftOut() {
    String all = printed(OWN_CERTIFICATE);
    int test = all.indexOf("---\n# Hook: test\n# Source: sluice/templates/tests/controller.yaml\n");

    assertThat(all.substring(test)).contains("kind: Pod", "    helm.sh/hook: test\n");
    assertThat(StrictReader.read(all.substring(test))).hasSize(1);
    assertThat(printed(OWN_CERTIFICATE + "--skip-tests")).isEqualTo(all.substring(0, test));
    assertThat(printed(OWN_CERTIFICATE + "--no-hooks")).isEqualTo(all.substring(0, test));
    assertThat(printed("--set test.enabled=false")).doesNotContain("helm.sh/hook");
  }

  @Test
  void hooksStandWhereAnInstallAppliesThem() throws IOException {
    Path chart = directory.resolve("sluice");
    TemporaryFiles.copyChart(Chart.FOLDER, chart, text -> text);
    hook(chart, "clean", "ConfigMap", "pre-delete", 0);
    hook(chart, "tell", "ConfigMap", "post-install, post-upgrade", 0);
    hook(chart, "b-look", "ConfigMap", "pre-install", 5);
    hook(chart, "a-look", "ConfigMap", "pre-install,post-install", 5);
    hook(chart, "keys", "Secret", "pre-install", 5);
    hook(chart, "first", "ConfigMap", "pre-install", -1);

    String text = printedFrom(chart, "");
    assertThat(text)
        .containsSubsequence("# Hook: post-install,post-upgrade\n# Source: ", "    name: tell\n")
        .doesNotContain("shown.");
    List<String> names = names(text);
    assertThat(names.subList(DEFINITIONS, DEFINITIONS + 4))
        .containsExactly("first", "keys", "a-look", "b-look");
    assertThat(names.subList(names.size() - 3, names.size()))
        .containsExactly("tell", "clean", "sluice-test");
    assertThat(names(printedFrom(chart, "--skip-tests")))
        .isEqualTo(names.subList(0, names.size() - 1));
    assertThat(names(printedFrom(chart, "--no-hooks"))).isEqualTo(names(printed("--skip-tests")));
  }

  private String printedFrom(Path chart, String options) {
    assertThat(execute("install --print --chart " + chart + " " + options)).isZero();
    return out.toString();
  }

  private static List<String> names(String text) {
    return StrictReader.read(text).stream().map(each -> each.getMetadata().getName()).toList();
  }

  private static void hook(Path chart, String name, String kind, String events, int weight)
      throws IOException {
    String template =
        """
        apiVersion: v1
        kind: %s
        metadata:
            name: %s
            annotations: {helm.sh/hook: "%s", helm.sh/hook-weight: "%d"}
        """;
    Files.writeString(
        chart.resolve("templates").resolve(name + ".yaml"),
        template.formatted(kind, name, events, weight));
  }

  @Test
  void sameValuesGiveTheSameText() {
    assertThat(printed(OWN_CERTIFICATE)).isEqualTo(printed(OWN_CERTIFICATE));
  }

  @Test
  void onlyTheKeyOfTheWebhookIsNewEachTime() {
    String random = "(?m)^ *(tls\\.crt|tls\\.key|ca\\.crt|caBundle): .*$";
    assertThat(printed("").replaceAll(random, "")).isEqualTo(printed("").replaceAll(random, ""));
  }

  @Test
  void laterOptionsWin() throws Exception {
    Path values = Files.writeString(directory.resolve("a,b.yaml"), "interception: {mode: auto}\n");
    Path roots = Files.writeString(directory.resolve("roots.pem"), "PEM {of, roots}\n");
    String options = OWN_CERTIFICATE + "-f " + values + " --set-file trustBundle.pem=" + roots;

    assertThat(printed(options)).contains("--mode=auto", "PEM {of, roots}");
    assertThat(printed(options + " --mode ebpf")).contains("--mode=ebpf");
    assertThat(printed(options + " --mode ebpf --set interception.mode=iptables"))
        .contains("--mode=iptables");
    assertThat(printed("--size edge-tiny --registry site.example/m -n mesh --release edge"))
        .contains("-Xmx40m", "image: site.example/m/sluice-node")
        .contains("namespace: mesh", "name: edge-node");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "install --print --set a; 2; a '=' with the value is missing",
        "install --print --set-file a; 2; --set-file 'a' has no KEY=FILE",
        "install --print --set-file a=/nonexistent; 2; --set-file /nonexistent cannot be read",
        "install --print -f /nonexistent; 2; --values /nonexistent cannot be read",
        "install --print --chart /nonexistent; 2; --chart /nonexistent is no chart",
        "install --timeout soon; 2; 'soon' is no duration",
        "install --what; 2; --what",
        "install --kubeconfig /nonexistent; 2; --kubeconfig /nonexistent cannot be read",
        "upgrade --kubeconfig /nonexistent; 2; --kubeconfig /nonexistent cannot be read",
        "uninstall node --yes; 2; only the mesh can be uninstalled",
        "completion csh; 2; csh",
        "install --print --mode sidecar; 2; value interception.mode: must be one of 'auto', 'ebpf',",
        "install --print --set node.heapMB=1; 2; there is no value node.heapMB",
        "install --print --set interception.mod=ebpf; 2; did you mean 'mode'?",
        "install --print --set size=small; 2; value size: must be one of",
        "install --print --set controller.replicas=2; 2; cannot share the keys",
        "install --print --kube-version nonsense; 2; nonsense",
        "install --no-hooks; 2; --skip-tests are for --print",
        "install --skip-tests; 2; --skip-tests are for --print",
        "install --kube-version v1.30.0; 2; --skip-tests are for --print"
      })
  void wrongArgumentsAreNamed(String line, int code, String told) {
    String chart = line.contains("--chart") ? "" : " --chart " + Chart.FOLDER;
    int given = execute(line + (line.startsWith("completion") ? "" : chart));

    assertThat(given).isEqualTo(code);
    assertThat(err.toString()).contains(told).startsWith("sluice: ");
    assertThat(err.toString().lines()).hasSize(1);
    assertThat(out.toString()).isEmpty();
  }
}
