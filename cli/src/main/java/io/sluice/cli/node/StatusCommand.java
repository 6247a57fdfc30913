package io.sluice.cli.node;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.cli.output.ExitCode;
import io.sluice.cli.output.Listing;
import io.sluice.cli.output.OutputFormat;
import io.sluice.cli.output.OutputOption;
import io.sluice.mesh.Printable;
import io.sluice.process.AdminRequest;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code sluice node status}. */
@Command(
    name = "status",
    description =
        "Shows how the node is: a verdict, then what stands behind it. -o wide shows all fields."
            + " --wait waits until the daemon is ready.",
    mixinStandardHelpOptions = true,
    footerHeading = "%nFields of -o json:%n",
    footer = {
      "verdict: ok, with how many warnings there are; or what is not ready or not as it should be,"
          + " and where to look",
      "node: its name",
      "ready (boolean): whether it enforces, and does all that it was asked for",
      "missing: why it is not ready, and what mends that; - where it is",
      "mode: ebpf, iptables, or both where directions differ",
      "modeReason: why",
      "outboundMode: ebpf or iptables",
      "outboundReason: why",
      "inboundMode: ebpf or iptables",
      "inboundReason: why",
      "fastPath: whether the kernel leads calls within the node by itself: on, off, or what hinders it",
      "failOpen (boolean): whether traffic is left alone while no daemon runs",
      "pid (number): of the daemon",
      "uptimeSeconds (number): since its start",
      "startToReadyMillis (number): how long its start took",
      "residentBytes (number): its memory",
      "snapshotRevision (number): of the mesh as it is known",
      "snapshotComplete (boolean): whether all of it is there",
      "registryProblems[]: With files or objects that cannot be used, where the daemon reads a"
          + " folder: which, why and the mend",
      "registryWarnings[]: With objects of which a part has no effect, likewise",
      "snapshotFrom: registry, disk, controller or none yet",
      "snapshotAgeSeconds (number): With a controller: since it was heard of; -1 where never",
      "snapshotSavedAt: With a controller: when it was written to disk",
      "snapshotStoreProblem: With a controller: why it is not on disk; - where nothing is wrong",
      "controllerFollowed (boolean): With a controller: whether its stream is open",
      "controllerRevision (number): With a controller: the last revision that it told",
      "snapshotConfirmedAt: With a controller: when it last said that this is still so",
      "snapshotProblem: With a controller: why nothing newer comes; - where nothing is wrong",
      "refusedChange[]: With a controller: what could not be used of its last change",
      "enforcedRevision (number): the revision in force for every pod",
      "permissive (boolean): whether traffic needs no TrafficTarget",
      "retirement: how far the mesh is on its way to be taken away: NONE, ANNOUNCED or CLEAR",
      "podsEnrolled (number): how many",
      "podsPending (number): how many are waited for",
      "connectionsAccepted (number): since the start",
      "connectionsOpened (number): to other pods and destinations, since the start",
      "connectionsRefused (number): since the start",
      "connectionsLive (number): now",
      "connectionsLimit (number): as many as there may be, by the daemon's direct memory",
      "bufferedBytes (number): bytes that wait for slow readers now",
      "bufferedBytesLimit (number): as many as may wait, by the daemon's direct memory",
      "handshakesUnderWay (number): connections of other nodes' proxies that have not proven"
          + " themselves yet",
      "endpointsChecked (number): endpoints that are asked whether they are well, as pods of the"
          + " node call them",
      "endpointsOut (number): those of them that get no calls, as they have not been well",
      "endpointsEjected (number): endpoints of Services that get no calls for a while, as they have"
          + " failed in a row",
      "endpointsWarming (number): endpoints of Services that get less than their share of calls, as"
          + " they are new",
      "cpuMillis (number): CPU time of event loops, for all pods and for what no pod has caused",
      "receivedBytes (number): bytes that came from sockets, for all pods",
      "sentBytes (number): bytes that were written to sockets, for all pods",
      "bufferedBytesPeak (number): most of bufferedBytes so far",
      "handshakes (number): TLS handshakes with proxies of other nodes, for all pods",
      "processCpuMillis (number): CPU time of the whole process",
      "state: directory of its state",
      "pins: directory of maps and links",
      "metricsAddress: where metrics are served, or off",
      "timeTrusted (boolean): whether the wall clock is believed",
      "timeProblem: why not, so that all is judged by the latest moment that is known; - where it"
          + " is",
      "identity: off, or until when the node's own certificate is valid",
      "controller: With a controller: its address",
      "controllerConnected (boolean): With a controller: whether certificates can be asked for",
      "controllerLastContactSeconds (number): With a controller: since it last answered; -1 where"
          + " never",
      "identityFailingSince: With a controller: since when requests fail; - where they do not",
      "identityFailure: With a controller: how they fail",
      "certificatesValid (number): With a controller: how many",
      "certificatesExpired (number): With a controller: how many",
      "certificatesMissing (number): With a controller: how many",
      "trustDomain: With a controller: of the mesh",
      "trustBundleGeneration (number): With a controller: grows with each change of the roots or of"
          + " a trust domain",
      "trustBundleRoots: With a controller: ids of the roots, with commas",
      "trustBundleFederated: With a controller: other trust domains whose peers are believed, with"
          + " commas, or -",
      "trustBundleProblem: With a controller: why a new one was not taken; - where nothing is"
          + " wrong",
      "identityStoreProblem: With a controller: why keys are not kept; - where nothing is wrong",
      "cni: off, or how the plugin is installed",
      "cniSandboxes (number): With --cni: pods that it enrolled",
      "cniConfDir: With --cni: directory of the runtime's configurations",
      "cniReason: With --cni: how that was found",
      "cniProblems: With --cni: what is wrong, empty where nothing is"
    })
final class StatusCommand implements Callable<Integer> {
  /** What most people look for; all the rest is under {@code -o wide}. */
  private static final List<Section> SECTIONS =
      List.of(
          new Section(
              "daemon",
              "node mode fastPath failOpen pid uptimeSeconds residentBytes state metricsAddress cni"
                  + " cniProblems"),
          new Section(
              "mesh",
              "snapshotFrom snapshotRevision enforcedRevision permissive retirement"
                  + " registryProblems registryWarnings snapshotProblem refusedChange"
                  + " snapshotStoreProblem"),
          new Section(
              "pods",
              "podsEnrolled podsPending connectionsLive connectionsAccepted connectionsRefused"),
          new Section(
              "certificates",
              "timeProblem identity trustDomain controller controllerConnected certificatesValid"
                  + " certificatesExpired certificatesMissing trustBundleFederated identityFailure"
                  + " identityStoreProblem trustBundleProblem"));

  private static final Set<String> NOTHING = Set.of("", "-", "NONE");

  @Mixin private NodeTarget target = new NodeTarget();

  @Mixin private OutputOption output = new OutputOption();

  @Mixin private WaitOption waiting = new WaitOption();

  @Spec private CommandSpec spec = CommandSpec.create();

  /**
   * Fields under one heading.
   *
   * @param fields their names, with blanks between them
   */
  private record Section(String title, String fields) {}

  @Override
  public Integer call() throws InterruptedException {
    WaitOption.Answer answer =
        waiting.ask(
            target,
            daemon -> daemon.ask(AdminRequest.of("status")),
            said -> said.size() == 1 && said.getFirst().path("ready").asBoolean());
    JsonNode status = target.one(answer.values());
    var out = spec.commandLine().getOut();
    switch (output.format()) {
      case json -> Listing.printJson(status, out);
      case table -> printSections(status, out);
      case wide -> Listing.ofMembers(status).print(OutputFormat.wide, out);
    }
    return ExitCode.of(answer.isSo()).code();
  }

  /** The verdict, then what is said in each section; what says nothing is left out. */
  private static void printSections(JsonNode status, PrintWriter out) {
    out.println(Printable.line(status.path("verdict").asText()));
    for (Section section : SECTIONS) {
      List<List<String>> rows = new ArrayList<>();
      for (String field : section.fields().split(" ")) {
        JsonNode value = status.path(field);
        for (JsonNode each : value.isArray() ? value : List.of(value)) {
          String said = Listing.cell(field, each);
          if (!NOTHING.contains(said)) {
            rows.add(List.of(field, said));
          }
        }
      }
      out.println();
      new Listing(List.of(section.title(), "value"), rows).print(OutputFormat.table, out);
    }
  }
}
