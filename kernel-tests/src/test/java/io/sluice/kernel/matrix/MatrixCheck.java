package io.sluice.kernel.matrix;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.lab.site.ChartCapability;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Runs every check on the kernel it finds itself on, with a daemon that may do what the chart
 * allows its container, and prints {@code SLUICE-RESULT <mode> <json>}. Arguments: how to
 * intercept, as {@code node run --mode} takes it. For root in a machine of its own.
 */
public final class MatrixCheck {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Path KERNEL_BTF = Path.of("/sys/kernel/btf/vmlinux");
  private static final int LOG_LINES = 12;

  private final String mode;
  private final List<CheckResult> results = new ArrayList<>();
  private String chosen = "none";
  private String reason = "";
  private String daemonLog = "";

  private MatrixCheck(String mode) {
    this.mode = mode;
  }

  /** One argument, the mode. */
  public static void main(String[] arguments) throws IOException {
    MatrixCheck check = new MatrixCheck(arguments[0]);
    long begin = System.nanoTime();
    ObjectNode report = JSON.createObjectNode();
    report.put("kernel", Files.readString(Path.of("/proc/sys/kernel/osrelease")).strip());
    report.put("btf", Files.exists(KERNEL_BTF));
    try {
      report.set("refused_programs", JSON.valueToTree(ProgramTrials.refusals()));
      report.put("objects", ProgramTrials.objects());
      report.set("missing_features", JSON.valueToTree(ProgramTrials.missingFeatures()));
      check.run();
      check.capabilities();
    } catch (RuntimeException | AssertionError e) {
      report.put("problem", String.valueOf(e));
      e.printStackTrace();
    }
    report.put("chosen", check.chosen);
    report.put("reason", check.reason);
    report.put("daemon_log", check.daemonLog);
    ArrayNode list = report.putArray("checks");
    check.results.forEach(
        result -> list.addObject().put("name", result.name()).put("problem", result.problem()));
    report.put("seconds", (System.nanoTime() - begin) / 1_000_000_000L);
    System.out.println("SLUICE-RESULT " + check.mode + " " + JSON.writeValueAsString(report));
  }

  private void run() {
    try (MatrixSite site = new MatrixSite()) {
      Map<String, Runnable> checks = new MatrixChecks(site).all();
      String first = "the daemon gets ready and enrols the pods";
      @Nullable String noStart =
          attempt(
              first,
              () -> {
                site.site.startDaemonBehind(
                    ChartCapability.container(), "--mode", mode, "--fast-path", "false");
                JsonNode status = site.view().status();
                chosen = status.path("mode").asText(mode);
                reason = status.path("modeReason").asText();
                site.awaitEnrolled();
              });
      if (noStart != null) {
        daemonLog = tail(site.site.daemon().log());
        checks.keySet().forEach(name -> results.add(new CheckResult(name, "not run: no daemon")));
        return;
      }
      checks.forEach(this::attempt);
      daemonLog = tail(site.site.daemon().log());
    }
  }

  /** Once a boot: they choose the mechanisms themselves. */
  private void capabilities() {
    if (!mode.equals("iptables")) {
      CapabilityChecks.all().forEach(this::attempt);
    }
  }

  /** Records the outcome; returns the problem or null. */
  private @Nullable String attempt(String name, Runnable check) {
    long begin = System.nanoTime();
    @Nullable String problem = null;
    try {
      check.run();
    } catch (RuntimeException | Error e) {
      problem = String.valueOf(e);
      e.printStackTrace();
    }
    System.out.printf(
        "%s %s (%d ms)%n",
        problem == null ? "ok  " : "FAIL", name, (System.nanoTime() - begin) / 1_000_000);
    results.add(new CheckResult(name, problem == null ? "" : problem));
    return problem;
  }

  private static String tail(String log) {
    List<String> lines = log.lines().toList();
    return String.join("\n", lines.subList(Math.max(0, lines.size() - LOG_LINES), lines.size()));
  }
}
