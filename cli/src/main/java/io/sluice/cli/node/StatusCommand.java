package io.sluice.cli.node;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.cli.output.ExitCode;
import io.sluice.cli.output.Listing;
import io.sluice.cli.output.OutputFormat;
import io.sluice.cli.output.OutputOption;
import io.sluice.process.AdminRequest;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code sluice node status}. */
@Command(
    name = "status",
    description = "Shows how the daemon is.",
    mixinStandardHelpOptions = true,
    footerHeading = "%nFields of -o json:%n",
    footer = {
      "node: its name",
      "ready (boolean): whether it enforces, and does all that it was asked for",
      "missing: why it is not ready, and what mends that; - where it is",
      "mode: ebpf, iptables, or both where directions differ",
      "modeReason: why",
      "outboundMode: ebpf or iptables",
      "outboundReason: why",
      "inboundMode: ebpf or iptables",
      "inboundReason: why",
      "failOpen (boolean): whether traffic is left alone while no daemon runs",
      "pid (number): of the daemon",
      "uptimeSeconds (number): since its start",
      "startToReadyMillis (number): how long its start took",
      "residentBytes (number): its memory",
      "snapshotRevision (number): of the mesh as it is known",
      "snapshotComplete (boolean): whether all of it is there",
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
      "handshakesUnderWay (number): connections of other nodes' proxies that have not proven themselves yet",
      "pins: directory of maps and links",
      "metricsAddress: where metrics are served, or off",
      "identity: off, or until when the node's own certificate is valid",
      "controller: With a controller: its address",
      "controllerConnected (boolean): With a controller: whether certificates can be asked for",
      "controllerLastContactSeconds (number): With a controller: since it last answered; -1 where never",
      "identityFailingSince: With a controller: since when requests fail; - where they do not",
      "identityFailure: With a controller: how they fail",
      "certificatesValid (number): With a controller: how many",
      "certificatesExpired (number): With a controller: how many",
      "certificatesMissing (number): With a controller: how many",
      "trustDomain: With a controller: of the mesh",
      "trustBundleGeneration (number): With a controller: grows with each change of the roots or of a"
          + " trust domain",
      "trustBundleRoots: With a controller: ids of the roots, with commas",
      "trustBundleFederated: With a controller: other trust domains whose peers are believed, with"
          + " commas, or -",
      "trustBundleProblem: With a controller: why a new one was not taken; - where nothing is wrong",
      "identityStoreProblem: With a controller: why keys are not kept; - where nothing is wrong",
      "cni: off, or how the plugin is installed",
      "cniSandboxes (number): With --cni: pods that it enrolled",
      "cniConfDir: With --cni: directory of the runtime's configurations",
      "cniReason: With --cni: how that was found",
      "cniProblems: With --cni: what is wrong, empty where nothing is"
    })
final class StatusCommand implements Callable<Integer> {
  @Mixin private NodeTarget target = new NodeTarget();

  @Mixin private OutputOption output = new OutputOption();

  @Spec private CommandSpec spec = CommandSpec.create();

  @Override
  public Integer call() {
    JsonNode status = target.askOne(AdminRequest.of("status"));
    var out = spec.commandLine().getOut();
    if (output.format() == OutputFormat.json) {
      Listing.printJson(status, out);
      return ExitCode.OK.code();
    }
    Listing.ofMembers(status).print(output.format(), out);
    return ExitCode.OK.code();
  }
}
