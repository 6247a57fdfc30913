package io.sluice.cli.check;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.cli.arguments.Paths;
import io.sluice.cli.check.Check.NotThereException;
import io.sluice.cli.check.Facts.Topic;
import io.sluice.cli.node.PodProxy;
import io.sluice.cli.output.ExitCode;
import io.sluice.cli.output.Failures;
import io.sluice.control.validate.Finding;
import io.sluice.interception.maps.MapCatalogue;
import io.sluice.interception.maps.MapDump;
import io.sluice.interception.maps.PinDirectory;
import io.sluice.mesh.FileFault;
import io.sluice.mesh.Kind;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.Release;
import io.sluice.mesh.ResourceEncoder;
import io.sluice.node.MessageJson;
import io.sluice.process.AdminRequest;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code sluice support bug-report}: what a helper asks for, in one file and without a secret. */
@Command(
    name = "bug-report",
    description = {
      "Collects what this node and its cluster say of themselves in an archive, without keys or tokens.",
      "Names of pods, accounts and addresses are in it."
    },
    mixinStandardHelpOptions = true)
final class BugReportCommand implements Callable<Integer> {
  /** Of each log. */
  private static final int LINES = 500;

  private static final int MOST_BYTES = 1 << 20;

  /** Of which logs are taken, and as many are asked; anybody may label a pod as the mesh's. */
  private static final int MOST_PODS = 100;

  /** Then no further one is asked. */
  private static final Duration LONGEST_OF_PODS = Duration.ofSeconds(40);

  /** The same where one of them took that long, as where a daemon hangs. */
  private static final Duration LONGEST_OF_POD = Duration.ofSeconds(10);

  private static final ObjectMapper JSON = new ObjectMapper();

  @Option(
      names = {"-o", "--out-file"},
      paramLabel = "FILE",
      description =
          "Where it is written, as .zip or .tar.gz; the file may not be there yet. Default: a new one"
              + " in the folder for temporary files.")
  private @Nullable Path out;

  @Mixin private ReportedPods reported = new ReportedPods();

  @Option(
      names = "--ingress",
      description = "The cluster's Ingresses, and what nodes have of IngressBackends.")
  private boolean ingress;

  @Option(
      names = "--log",
      paramLabel = "FILE",
      description =
          "A log whose last lines are taken; may be repeated. The access log of the state folder and"
              + " those of the mesh's pods are taken anyway.")
  private List<Path> logs = List.of();

  @Mixin private LookOptions look = new LookOptions();

  @Spec private CommandSpec spec = CommandSpec.create();

  @Override
  public Integer call() throws IOException {
    Facts facts = look.facts(spec.commandLine(), false);
    for (Path log : logs) {
      Paths.requireReadableFile(spec, "--log", log);
    }
    ReportedPods.Chosen pods = reported.of(facts, spec.commandLine());
    Path file = file();
    Thread atSignal = new Thread(() -> delete(file), "report-cleanup");
    Runtime.getRuntime().addShutdownHook(atSignal);
    try {
      write(file, facts, pods);
    } catch (IOException | RuntimeException e) {
      delete(file);
      throw new IllegalStateException(file + " cannot be written: " + Failures.sentence(e), e);
    } finally {
      Runtime.getRuntime().removeShutdownHook(atSignal);
    }
    spec.commandLine().getOut().println(file + ", " + Files.size(file) / 1024 + " KiB");
    spec.commandLine().getOut().flush();
    return ExitCode.OK.code();
  }

  /** Half a report would be taken for one, and be in the way of the next. */
  private static void delete(Path file) {
    try {
      Files.deleteIfExists(file);
    } catch (IOException e) {
      throw new UncheckedIOException(file + " cannot be deleted", e);
    }
  }

  private void write(Path file, Facts facts, ReportedPods.Chosen pods) throws IOException {
    try (ReportArchive archive = new ReportArchive(file, facts.now())) {
      add(archive, "version.txt", "sluice " + Release.VERSION + ", " + facts.now() + "\n");
      for (Topic topic :
          List.of(
              Topic.STATUS,
              Topic.PODS,
              Topic.CERTIFICATES,
              Topic.EVENTS,
              Topic.KERNEL,
              Topic.CNI,
              Topic.CONTROLLER)) {
        add(archive, topic.name().toLowerCase(Locale.ROOT) + ".json", told(facts, topic));
      }
      CheckRun run = CheckRun.of(CheckRun.checks(), facts, CheckReport.MOST, subject -> {});
      add(archive, "check.json", CheckReport.json(run));
      add(archive, "registry.txt", registry(facts));
      addMaps(archive);
      addLogs(archive, facts);
      addPods(archive, pods);
      if (ingress || reported.all()) {
        addIngress(archive, facts);
      }
    }
  }

  private Path file() throws IOException {
    Path wanted = out;
    if (wanted == null) {
      return Files.createTempFile("sluice-report-", ReportArchive.TAR);
    }
    if (Stream.of(ReportArchive.TAR, ReportArchive.ZIP).noneMatch(wanted.toString()::endsWith)) {
      throw new ParameterException(
          spec.commandLine(), "-o " + wanted + " ends neither with .zip nor with .tar.gz");
    }
    try {
      return Files.createFile(
          wanted,
          PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
    } catch (FileAlreadyExistsException e) {
      throw new ParameterException(spec.commandLine(), "-o " + wanted + " is there already", e);
    } catch (IOException e) {
      throw new ParameterException(
          spec.commandLine(), "-o " + wanted + " cannot be written: " + FileFault.reason(e), e);
    }
  }

  /** What the proxy of each has in force, until the time is over. */
  private void addPods(ReportArchive archive, ReportedPods.Chosen pods) throws IOException {
    if (!pods.notAsked().isEmpty()) {
      add(archive, "pods/not-asked.txt", String.join("\n", pods.notAsked()));
    }
    PodProxy proxies = look.proxies();
    long begin = System.nanoTime();
    String stop = "";
    int asked = 0;
    for (NamespacedName pod : pods.pods()) {
      long asking = System.nanoTime();
      if (stop.isEmpty() && asked++ == MOST_PODS) {
        stop = "these are more than " + MOST_PODS + " pods";
      }
      add(
          archive,
          "pods/" + pod + ".json",
          stop.isEmpty()
              ? answer(proxies, pod)
              : problem(new IllegalStateException("not asked: " + stop)));
      long now = System.nanoTime();
      if (now - begin > LONGEST_OF_PODS.toNanos() || now - asking > LONGEST_OF_POD.toNanos()) {
        stop = stop.isEmpty() ? "the others took too long" : stop;
      }
    }
  }

  private static JsonNode answer(PodProxy proxies, NamespacedName pod) {
    AdminRequest request = new AdminRequest("proxy", "all " + pod, false);
    try {
      return JSON.readTree(proxies.ask(pod, request, "proxy", "get", "all", pod.toString()).text());
    } catch (IllegalStateException | IllegalArgumentException | JsonProcessingException e) {
      return problem(e);
    }
  }

  /** Of Ingresses what others wrote into annotations is left out. */
  private static void addIngress(ReportArchive archive, Facts facts) throws IOException {
    ObjectNode told = JsonNodeFactory.instance.objectNode();
    try {
      ArrayNode ingresses = told.putArray("ingresses");
      for (JsonNode one : ClusterChecks.items(facts, "ingresses")) {
        ObjectNode each = ingresses.addObject().put("name", ClusterChecks.name(one));
        each.set("spec", one.path("spec"));
        each.set("status", one.path("status"));
      }
    } catch (NotThereException e) {
      told.put("ingresses", String.valueOf(e.getMessage()));
    }
    try {
      ArrayNode backends = told.putArray("ingressBackends");
      facts
          .objects()
          .snapshot()
          .all(Kind.INGRESS)
          .forEach(one -> backends.add(MessageJson.of(ResourceEncoder.message(one))));
    } catch (NotThereException e) {
      told.put("ingressBackends", String.valueOf(e.getMessage()));
    }
    add(archive, "ingress.json", told);
  }

  private static void add(ReportArchive archive, String name, String text) throws IOException {
    archive.add("sluice-report/" + name, Secrets.clean(text));
  }

  private static void add(ReportArchive archive, String name, JsonNode told) throws IOException {
    archive.add("sluice-report/" + name, Secrets.clean(told).toPrettyString() + "\n");
  }

  private static JsonNode told(Facts facts, Topic topic) {
    try {
      return facts.of(topic);
    } catch (NotThereException e) {
      return problem(e);
    }
  }

  private static ObjectNode problem(Exception met) {
    return JsonNodeFactory.instance.objectNode().put("problem", String.valueOf(met.getMessage()));
  }

  private static String registry(Facts facts) {
    try {
      Objects objects = facts.objects();
      StringBuilder text = new StringBuilder();
      objects.all().forEach(one -> text.append(one.ref()).append('\n'));
      for (Finding finding : objects.findings()) {
        text.append(finding.level()).append(' ').append(finding.sentence()).append('\n');
      }
      return text.toString();
    } catch (NotThereException e) {
      return String.valueOf(e.getMessage());
    }
  }

  private void addMaps(ReportArchive archive) throws IOException {
    ObjectNode maps = JsonNodeFactory.instance.objectNode();
    try {
      MapCatalogue catalogue = new MapCatalogue(PinDirectory.ofNode(look.node()));
      catalogue.list().stream()
          .map(map -> catalogue.dump(map.name()))
          .flatMap(Optional::stream)
          .forEach(dump -> maps.set(dump.map(), rows(dump)));
    } catch (RuntimeException e) {
      maps.put("problem", String.valueOf(e.getMessage()));
    }
    add(archive, "maps.json", maps);
  }

  private static ArrayNode rows(MapDump dump) {
    ArrayNode rows = JsonNodeFactory.instance.arrayNode();
    rows.add(String.join(" ", dump.columns()));
    dump.rows().forEach(row -> rows.add(String.join(" ", row)));
    return rows;
  }

  private void addLogs(ReportArchive archive, Facts facts) throws IOException {
    List<Path> all = new ArrayList<>(logs);
    Path access = facts.state().resolve("access.log");
    if (Files.isRegularFile(access)) {
      all.add(access);
    }
    for (int i = 0; i < all.size(); i++) {
      add(archive, "logs/" + (i + 1) + "-" + all.get(i).getFileName(), last(all.get(i)));
    }
    try {
      Set<String> releases = ClusterChecks.releases(facts);
      Map<Boolean, List<String>> pods =
          ClusterChecks.items(facts, "pods").stream()
              .filter(ClusterChecks::isOurs)
              .map(ClusterChecks::name)
              .sorted()
              .collect(Collectors.partitioningBy(name -> releases.contains(name.split("/", 2)[0])));
      List<String> ours = pods.getOrDefault(true, List.of());
      List<String> some = ours.subList(0, Math.min(ours.size(), MOST_PODS));
      List<String> others = pods.getOrDefault(false, List.of());
      add(
          archive,
          "logs/cluster.txt",
          "logs of %d of %d pods%n".formatted(some.size(), ours.size())
              + others.stream()
                  .limit(MOST_PODS)
                  .map(pod -> pod + " is in no namespace of the mesh's\n")
                  .collect(Collectors.joining()));
      if (!some.isEmpty()) {
        String limits = "tailLines=%d&limitBytes=%d".formatted(LINES, MOST_BYTES);
        ClusterFacts.logs(
            look.access(),
            some,
            limits,
            (pod, log) ->
                addLog(archive, some.indexOf(pod) + 1 + "-" + pod.replace('/', '-'), log));
      }
    } catch (NotThereException | IllegalStateException e) { // as when the API server ends meanwhile
      add(archive, "logs/cluster-problem.txt", String.valueOf(e.getMessage()));
    }
  }

  private static void addLog(ReportArchive archive, String name, String log) {
    try {
      add(archive, "logs/pod-" + name + ".log", log);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot write the report", e);
    }
  }

  /** The last lines of a file. */
  private static String last(Path log) {
    if (Files.exists(log) && !Files.isRegularFile(log)) {
      return "not read: it is no file"; // whose end nobody waits for, as of a pipe
    }
    try (RandomAccessFile file = new RandomAccessFile(log.toFile(), "r")) {
      file.seek(Math.max(0, file.length() - MOST_BYTES));
      byte[] end = new byte[(int) (file.length() - file.getFilePointer())];
      file.readFully(end);
      List<String> lines = new String(end, StandardCharsets.UTF_8).lines().toList();
      return String.join("\n", lines.subList(Math.max(0, lines.size() - LINES), lines.size()));
    } catch (IOException e) {
      return "not read: " + FileFault.reason(e);
    }
  }
}
