package io.sluice.charts;

import static org.assertj.core.api.Assertions.assertThat;

import io.fabric8.kubernetes.api.model.HasMetadata;
import io.sluice.cli.output.ExitCode;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** {@code sluice install --print}: no cluster is there, and none is asked. */
class PrintedChartTest {
  private static final String OWN_CERTIFICATE =
      "--set webhook.certificate.existingSecret=mine,webhook.certificate.caBundle=x ";

  @TempDir private Path directory = Path.of("");
  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();

  private int run(String line) {
    out.getBuffer().setLength(0);
    List<String> words = new ArrayList<>(Arrays.asList(line.strip().split(" ")));
    words.addAll(List.of("--chart", Chart.FOLDER.toString()));
    return ChartCommand.commandLine()
        .setOut(new PrintWriter(out))
        .setErr(new PrintWriter(err))
        .execute(words.toArray(String[]::new));
  }

  private String printed(String options) {
    int code = run("install --print " + options);
    assertThat(err.toString()).isEmpty();
    assertThat(code).isEqualTo(ExitCode.OK.code());
    return out.toString();
  }

  @Test
  void definitionsAreFirstAndEveryObjectIsWellFormed() {
    List<HasMetadata> objects = StrictReader.read(printed(""));

    assertThat(objects).hasSizeGreaterThan(15);
    assertThat(objects.subList(0, 4))
        .allMatch(each -> each.getKind().equals("CustomResourceDefinition"));
    assertThat(objects.subList(4, objects.size()))
        .noneMatch(each -> each.getKind().equals("CustomResourceDefinition"))
        .anyMatch(each -> each.getKind().equals("DaemonSet"));
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
    assertThat(
            printed(
                "--platform k3s --size edge-tiny --registry site.example/m -n mesh --release edge"))
        .contains("/var/lib/rancher/k3s/data", "-Xmx40m", "image: site.example/m/sluice-node")
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
        "completion fish; 2; fish",
        "install --print --mode sidecar; 1; /interception/mode",
        "install --print --set node.heapMB=1; 1; heapMB",
        "install --print --kube-version nonsense; 1; nonsense"
      })
  void wrongArgumentsAreNamed(String line, int code, String told) {
    String chart = line.contains("--chart") ? "" : " --chart " + Chart.FOLDER;
    int given =
        ChartCommand.commandLine()
            .setOut(new PrintWriter(out))
            .setErr(new PrintWriter(err))
            .execute((line + (line.startsWith("completion") ? "" : chart)).split(" "));

    assertThat(given).isEqualTo(code);
    assertThat(err.toString()).contains(told);
    assertThat(out.toString()).isEmpty();
  }
}
