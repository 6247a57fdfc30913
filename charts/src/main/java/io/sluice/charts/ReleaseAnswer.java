package io.sluice.charts;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.marcnuri.helm.Release;
import io.sluice.cli.output.Listing;
import io.sluice.cli.output.OutputFormat;
import java.io.PrintWriter;
import java.util.Objects;

/** What became of a release, for people with the next step, for programs with stable names. */
final class ReleaseAnswer {
  private static final String NOTES = "NOTES:\n";

  private ReleaseAnswer() {}

  static void print(Release release, boolean isReady, OutputFormat format, PrintWriter out) {
    String notes = notes(release);
    if (format == OutputFormat.json) {
      ObjectNode answer = JsonNodeFactory.instance.objectNode();
      answer.put("release", release.getName()).put("namespace", release.getNamespace());
      answer.put("revision", Integer.parseInt(release.getRevision()));
      answer.put("status", release.getStatus()).put("chart", release.getChart());
      answer.put("version", release.getAppVersion()).put("ready", isReady).put("notes", notes);
      Listing.printJson(answer, out);
    } else {
      out.println(
          "%s in namespace %s, revision %s: %s%n%n%s"
              .formatted(
                  release.getName(),
                  release.getNamespace(),
                  release.getRevision(),
                  release.getStatus(),
                  notes));
      out.flush();
    }
  }

  private static String notes(Release release) {
    String output = Objects.requireNonNullElse(release.getOutput(), "");
    int notes = output.indexOf(NOTES);
    return notes < 0 ? "" : output.substring(notes + NOTES.length()).strip();
  }
}
