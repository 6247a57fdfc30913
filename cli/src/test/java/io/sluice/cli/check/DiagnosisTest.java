package io.sluice.cli.check;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.cli.check.Facts.Topic;
import io.sluice.cli.check.Faults.Fault;
import io.sluice.cli.check.Faults.Roots;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Every code of the catalogue is found where its fault is made, and not where there is none. */
class DiagnosisTest {
  private static final Path PAGE = Path.of("..", "docs", "diagnosis.md");
  private static final String BEGIN = "## Every code";
  private static final String WRITE = "reference.write";

  @TempDir private Path directory = Path.of("");

  private Site site(String name) throws IOException {
    return new Site(Files.createDirectory(directory.resolve(name)));
  }

  @Test
  void aSiteWithoutFaultsHasNoFinding() throws IOException {
    CheckRun run = site("good").run();

    assertThat(run.found()).isEmpty();
    assertThat(run.failed()).isEmpty();
    assertThat(run.looked()).isGreaterThan(40);
  }

  @Test
  void everyCodeIsFoundWhereItsFaultIsMade() throws Exception {
    List<Fault> faults = new ArrayList<>(Faults.all(roots()));
    faults.sort(Comparator.comparing(Fault::code));
    assertThat(faults).extracting(Fault::code).containsExactly(Code.values());
    List<String> missed = new ArrayList<>();
    List<String> follows = new ArrayList<>(); // from the fault, and is told besides it
    for (Fault fault : faults) {
      Site site = site(fault.code().name());
      fault.make().accept(site);
      Set<Code> found = site.codes();
      if (!found.contains(fault.code())) {
        missed.add(fault.code() + ": " + found);
      }
      if (fault.way().equals("a manifest")) {
        site.run().found().stream()
            .filter(each -> each.code() != fault.code() && each.code().severity() != Severity.INFO)
            .map(each -> fault.code() + ": " + each)
            .forEach(follows::add);
      }
    }
    assertThat(missed).isEmpty();
    assertThat(follows).isEmpty();
    assertPage(faults);
  }

  /** A sentence quotes what objects hold: that tells no ground. */
  @Test
  void aCodeDoesNotHangOnWhatAnObjectSays() throws IOException {
    Site site = site("quoted");
    site.manifest(
        "ingress",
        """
        apiVersion: policy.openservicemesh.io/v1alpha1
        kind: IngressBackend
        metadata: {name: a, namespace: shop}
        spec:
          backends: [{name: store, port: {number: 8080, protocol: http}}]
          sources:
            - {kind: already belongs to, name: the same object is already in}
            - {kind: not enforced yet, name: a}
            - {kind: is not acted on, name: a}
            - {kind: version v1 of this API is not read, name: a}
            - {kind: no such field is known, name: a}
            - {kind: is no mode or is no word or is no idle time-out, name: a}
        """);
    List<String> rules =
        List.of(
            "names x, which does not exist", "names match x", "is x", "of trust domain x roots");
    for (int i = 0; i < rules.size(); i++) {
      String target = Site.target("buyer", "quoting" + i);
      site.manifest(
          "target" + i, target.replace("kind: TCPRoute", "kind: '%s'".formatted(rules.get(i))));
    }
    List<String> groups =
        List.of(
            "names HTTPRouteGroup x",
            "all weight 0",
            "no such Service can be called",
            "does not exist and gets no calls",
            "has not the ports");
    for (int i = 0; i < groups.size(); i++) {
      site.manifest(
          "split" + i,
          """
          apiVersion: split.smi-spec.io/v1alpha4
          kind: TrafficSplit
          metadata: {name: quoting%s, namespace: shop}
          spec:
            service: store
            backends: [{service: store, weight: 1}]
            matches: [{kind: '%s', name: x}]
          """
              .formatted(i, groups.get(i)));
    }
    site.change(
        "config",
        "traffic:",
        "certificate: {deniedIdentities: [this would deny a part of the mesh]}, traffic:");

    assertThat(site.codes())
        .contains(Code.IN_PART, Code.NO_EFFECT)
        .doesNotContain(
            Code.CLAIMED_TWICE,
            Code.DUPLICATE,
            Code.NOT_ENFORCED,
            Code.VERSION_UNKNOWN,
            Code.MANIFEST_WRONG,
            Code.WORD_UNKNOWN,
            Code.ROUTE_MISSING,
            Code.MATCH_MISSING,
            Code.END_KIND,
            Code.FOREIGN_DOMAIN,
            Code.SPLIT_GROUP,
            Code.SPLIT_WEIGHTS,
            Code.SPLIT_SERVICE,
            Code.SPLIT_BACKEND,
            Code.SPLIT_PORTS,
            Code.DENIES_OWN);
  }

  /** What a daemon of another name left, or listens on, is none of this one's. */
  @Test
  void anotherNodeOfTheMachineIsNotTakenForThisOne() throws IOException {
    Site site = site("neighbour");
    site.absent(Topic.STATUS);
    site.instead(Topic.PINS, "['other', 'third']");
    site.instead(
        Topic.DAEMONS,
        "[{node: 'other', metricsAddress: '127.0.0.1:9090'},"
            + " {node: 'third', metricsAddress: '0.0.0.0:15020'}]");
    site.listening(15_020);

    assertThat(site.codes())
        .contains(Code.DAEMON_ABSENT, Code.SEVERAL_NODES)
        .doesNotContain(Code.DAEMON_SILENT, Code.PORT_METRICS);

    site.instead(Topic.DAEMONS, "[{node: 'other', metricsAddress: '127.0.0.1:9090'}]");

    assertThat(site.codes()).contains(Code.PORT_METRICS);
  }

  @Test
  void aDaemonThatHangsHasItsPortItself() throws IOException {
    Site site = site("hung");
    site.absent(Topic.STATUS);
    site.instead(Topic.PINS, "[]");
    site.instead(Topic.DAEMONS, "[{node: 'edge', metricsAddress: 'unknown'}]");
    site.listening(15_020);

    assertThat(site.codes())
        .contains(Code.DAEMON_SILENT)
        .doesNotContain(Code.DAEMON_ABSENT, Code.PORT_METRICS);
  }

  @Test
  void ofAClusterThatIsSilentNothingElseIsSaid() throws IOException {
    Site site = site("silent");
    site.instead(Topic.CLUSTER, "{silence: 'it takes no connection'}");

    assertThat(site.codes()).containsExactly(Code.API_SILENT);
  }

  @Test
  void beforeAnInstallNothingIsMissed() throws IOException {
    Site site = site("before");
    site.absent(Topic.STATUS);
    site.instead(Topic.PINS, "[]");
    site.instead(Topic.DAEMONS, "[]");
    site.noItems("deployments");
    site.noItems("daemonSets");

    assertThat(site.codes()).contains(Code.DAEMON_ABSENT, Code.MESH_ABSENT);

    site.isBefore = true;

    assertThat(site.codes()).isEmpty();

    site.instead(Topic.PINS, "['edge']");

    assertThat(site.codes()).containsExactly(Code.DAEMON_SILENT);
  }

  private static void assertPage(List<Fault> faults) throws IOException {
    StringBuilder page =
        new StringBuilder(
            """
            ## Every code

            For every code of [`sluice check`](checks/node.md) a fault, made alone by facts in a site that has none, and found by its code: `DiagnosisTest`
            does so, and writes this table. The same site without the fault has no finding at all.

            | Code | Finding | Made by |
            |---|---|---|
            """);
    for (Fault fault : faults) {
      page.append(
          "| %s | %s | %s |%n".formatted(fault.code().label(), fault.code().title(), fault.way()));
    }
    if (Boolean.getBoolean(WRITE)) {
      String before = Files.readString(PAGE);
      Files.writeString(PAGE, before.substring(0, before.indexOf(BEGIN)) + page);
    }
    assertThat(PAGE).as("written with -D%s=true", WRITE).content().endsWith("\n\n" + page);
  }

  private Roots roots() throws IOException, InterruptedException {
    return new Roots(
        certificate("ec", "-pkeyopt ec_paramgen_curve:P-256", "CA:TRUE"),
        certificate("ec", "-pkeyopt ec_paramgen_curve:P-256", "CA:FALSE"),
        certificate("rsa:1024", "-sha256", "CA:TRUE"));
  }

  private String certificate(String key, String option, String constraint)
      throws IOException, InterruptedException {
    List<String> command =
        new ArrayList<>(List.of("openssl", "req", "-x509", "-newkey", key, "-nodes"));
    command.addAll(List.of(option.split(" ")));
    command.addAll(List.of("-days", "365", "-subj", "/CN=root", "-keyout", directory + "/key.pem"));
    command.addAll(List.of("-addext", "basicConstraints=critical," + constraint));
    command.addAll(List.of("-config", "/dev/null"));
    Process process =
        new ProcessBuilder(command)
            .redirectError(ProcessBuilder.Redirect.to(directory.resolve("errors").toFile()))
            .start();
    try (InputStream out = process.getInputStream()) {
      String pem = new String(out.readAllBytes(), StandardCharsets.US_ASCII);
      assertThat(process.waitFor()).as(Files.readString(directory.resolve("errors"))).isZero();
      return pem;
    }
  }
}
