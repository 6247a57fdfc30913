package io.sluice.cli.validate;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

class ValidateCommandTest {
  private static final String GOOD =
      """
      apiVersion: specs.smi-spec.io/v1alpha4
      kind: TCPRoute
      metadata: {name: main, namespace: shop}
      spec: {matches: {ports: [80]}}
      """;
  private static final String WRONG = GOOD.replace("ports", "port");
  private static final String IN_PART =
      """
      apiVersion: v1
      kind: Pod
      metadata: {name: web, namespace: shop, annotations: {sluice.io/mtls-mode: strictly}}
      """;

  @TempDir private Path directory = Path.of("");
  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();

  private int run(String... arguments) {
    return new CommandLine(new ValidateCommand())
        .setOut(new PrintWriter(out))
        .setErr(new PrintWriter(err))
        .execute(arguments);
  }

  private String file(String name, String text) throws IOException {
    return Files.writeString(directory.resolve(name), text).toString();
  }

  @Test
  void warnsOfPolicyThatLeadsNowhereAsCheckDoes() throws IOException {
    String mesh =
        """
        {apiVersion: v1, kind: Namespace, metadata: {name: shop, labels: {sluice.io/mesh: enabled}}}
        ---
        apiVersion: v1
        kind: Pod
        metadata: {name: web, namespace: shop, labels: {app: web}}
        spec: {serviceAccountName: web}
        status: {podIP: 10.0.0.1, phase: Running}
        ---
        apiVersion: v1
        kind: Service
        metadata: {name: web, namespace: shop}
        spec: {clusterIP: 10.96.0.1, selector: {app: web}, ports: [{name: tcp, port: 80}]}
        ---
        apiVersion: specs.smi-spec.io/v1alpha4
        kind: HTTPRouteGroup
        metadata: {name: all, namespace: shop}
        spec: {matches: [{name: all, methods: [GET]}]}
        ---
        apiVersion: access.smi-spec.io/v1alpha3
        kind: TrafficTarget
        metadata: {name: web, namespace: shop}
        spec:
          destination: {kind: ServiceAccount, name: web, namespace: shop}
          sources: [{kind: ServiceAccount, name: db, namespace: shpo}]
          rules: [{kind: HTTPRouteGroup, name: all}]
        """;

    assertThat(run(file("mesh.yaml", mesh))).isZero();
    assertThat(out.toString())
        .contains(
            "spec.sources[0].namespace: there is no namespace 'shpo'; mend the namespace",
            "spec.rules: port 80 of Service shop/web is declared tcp");
  }

  @Test
  void saysSoWhenNothingIsWrong() throws IOException {
    assertThat(run(file("route.yaml", GOOD))).isZero();
    assertThat(out.toString()).isEqualTo("1 objects in 1 files: 0 errors, 0 warnings\n");
  }

  @Test
  void namesFileLineObjectFieldAndMend() throws IOException {
    String file = file("route.yaml", WRONG);

    assertThat(run(file)).isEqualTo(1);
    assertThat(out.toString())
        .contains(
            file
                + ":4: error: TCPRoute shop/main: spec.matches.port: no such field is known; did you"
                + " mean 'ports'?\n");
  }

  @Test
  void whatAnObjectHoldsWritesNoLineOfItsOwn() throws IOException {
    String pod = "{apiVersion: v1, kind: Pod, metadata: {name: \"a\\n2 objects: 0 errors\\e[2J\"}}";
    String unknown = "---\n{apiVersion: x/v1, kind: \"Y\\nZ\", metadata: {name: \"b\\nc\"}}\n";

    assertThat(run(file("pod.yaml", pod + "\n" + unknown))).isEqualTo(1);
    assertThat(out.toString())
        .doesNotContain("\u001b")
        .contains("'a\\n2 objects: 0 errors\\u001b[2J'");
    assertThat(out.toString().lines())
        .allMatch(line -> line.startsWith(directory.toString()) || line.endsWith("warnings"));
  }

  @Test
  void looksAtTheManifestsOfAFolderAsTheRegistryDoes() throws IOException {
    file("a.yaml", GOOD);
    file("b.yml", GOOD); // the same object twice
    file(".c.yaml", WRONG);
    file("d.txt", WRONG);

    assertThat(run(directory.toString())).isEqualTo(1);
    assertThat(out.toString())
        .contains("b.yml:1: error: TCPRoute shop/main: the same object is already in")
        .contains("2 objects in 2 files: 1 errors, 0 warnings");
  }

  @Test
  void failsForWarningsOnlyWhenAskedTo() throws IOException {
    String file = file("pod.yaml", IN_PART);

    assertThat(run(file)).isZero();
    assertThat(out.toString()).contains("warning: Pod shop/web: metadata.annotations");
    assertThat(run("--fail-on-warnings", file)).isEqualTo(1);
  }

  @Test
  void tellsProgramsTheSame() throws IOException {
    String file = file("route.yaml", WRONG);

    assertThat(run("-o", "json", file, directory.resolve("absent.yaml").toString())).isEqualTo(2);
    JsonNode json = new ObjectMapper().readTree(out.toString());
    assertThat(json.path("errors").asInt()).isEqualTo(1);
    JsonNode finding = json.path("findings").path(0);
    assertThat(finding.path("file").asText()).isEqualTo(file);
    assertThat(finding.path("line").asInt()).isEqualTo(4);
    assertThat(finding.path("object").asText()).isEqualTo("TCPRoute shop/main");
    assertThat(finding.path("field").asText()).isEqualTo("spec.matches.port");
    assertThat(finding.path("level").asText()).isEqualTo("error");
    assertThat(json.path("unread").path(0).path("file").asText()).endsWith("absent.yaml");
  }

  @Test
  void saysWhatCouldNotBeRead() {
    assertThat(run(directory.resolve("absent.yaml").toString())).isEqualTo(2);
    assertThat(err.toString()).contains("absent.yaml: the file cannot be read");
  }

  @Test
  void aFolderWithoutManifestsIsNothingToCheck() throws IOException {
    file("d.txt", WRONG);
    file(".c.yaml", WRONG);

    assertThat(run(directory.toString())).isEqualTo(2);
    assertThat(out.toString()).isEmpty();
    assertThat(err.toString())
        .startsWith(
            "sluice: " + directory + ": the folder holds no manifest; name one with *.yaml");
    assertThat(run(file("empty.yaml", "# nothing\n"))).isEqualTo(1);
    assertThat(out.toString()).contains("empty.yaml: error: the file holds no object; write");
  }

  @Test
  void readsStandardInput() {
    InputStream before = System.in;
    System.setIn(new ByteArrayInputStream(WRONG.getBytes(StandardCharsets.UTF_8)));
    try {
      assertThat(run("-")).isEqualTo(1);
    } finally {
      System.setIn(before);
    }
    assertThat(out.toString()).contains("-:4: error: TCPRoute shop/main: spec.matches.port");
  }
}
