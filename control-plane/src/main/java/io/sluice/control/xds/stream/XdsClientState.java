package io.sluice.control.xds.stream;

import java.time.Instant;
import java.util.List;

/**
 * How one client stands.
 *
 * @param id what it calls itself; empty before its first request
 * @param identity what its certificate proves
 * @param software its library and release, as it says
 * @param since when its stream began
 * @param types what it asked for, in the order of the types
 */
public record XdsClientState(
    String id, String identity, String software, Instant since, List<OfType> types) {
  public XdsClientState {
    types = List.copyOf(types);
  }

  /**
   * How it stands with one type of resources.
   *
   * @param type its name
   * @param wanted how many names, or {@code all}
   * @param told how many resources it was told of
   * @param version that it took last; empty before
   * @param pending whether it has not answered the last response
   * @param problem why it could not use the last response that it answered; empty where it did
   */
  public record OfType(
      String type, String wanted, int told, String version, boolean pending, String problem) {}
}
