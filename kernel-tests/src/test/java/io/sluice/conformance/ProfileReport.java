package io.sluice.conformance;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * Writes what came out as a conformance report of the Gateway API has it. It speaks of these tests,
 * not of a run of the specification's own suite.
 */
final class ProfileReport implements AfterEachCallback, AfterAllCallback {
  private static final Path FILE = Path.of("target", "conformance", "mesh.yaml");

  private final Map<String, Part> parts = new TreeMap<>(); // by profile and part of it

  /** How tests of one part ended. */
  private static final class Part {
    final List<String> failed = new ArrayList<>();
    final List<String> features = new ArrayList<>();
    int passed;
  }

  @Override
  public synchronized void afterEach(ExtensionContext context) {
    Profile profile = context.getRequiredTestMethod().getAnnotation(Profile.class);
    if (profile != null) {
      String kind = profile.feature().isEmpty() ? "core" : "extended";
      Part part = parts.computeIfAbsent(profile.profile() + " " + kind, _ -> new Part());
      if (!profile.feature().isEmpty()) {
        part.features.add(profile.feature());
      }
      if (context.getExecutionException().isPresent()) {
        part.failed.add(profile.name());
      } else {
        part.passed++;
      }
    }
  }

  @Override
  public void afterAll(ExtensionContext context) throws IOException {
    StringBuilder report =
        new StringBuilder(
            """
            apiVersion: gateway.networking.k8s.io/v1
            kind: ConformanceReport
            implementation: {project: sluice}
            profiles:
            """);
    String profile = "";
    for (Map.Entry<String, Part> entry : parts.entrySet()) {
      String[] names = entry.getKey().split(" ");
      if (!names[0].equals(profile)) {
        profile = names[0];
        report.append("- name: ").append(profile).append('\n');
      }
      append(report, names[1], entry.getValue());
    }
    Files.createDirectories(FILE.getParent());
    Files.writeString(FILE, report);
    System.out.print(report);
  }

  private static void append(StringBuilder report, String kind, Part part) {
    report.append(
        """
          %s:
            result: %s
            statistics: {Passed: %d, Failed: %d, Skipped: 0}
        """
            .formatted(
                kind,
                part.failed.isEmpty() ? "success" : "failure",
                part.passed,
                part.failed.size()));
    if (!part.failed.isEmpty()) {
      report.append("    failedTests: ").append(part.failed).append('\n');
    }
    if (!part.features.isEmpty()) {
      report
          .append("    supportedFeatures: ")
          .append(part.features.stream().sorted().toList())
          .append('\n');
    }
  }
}
