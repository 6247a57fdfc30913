package io.sluice.cli.check;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Which of our codes an error code of OSM has for a counterpart. */
final class OsmCodes {
  private static final Map<String, List<Code>> COUNTERPARTS = counterparts();

  private OsmCodes() {}

  /** Nothing where we have none. */
  static List<Code> of(String code) {
    return COUNTERPARTS.getOrDefault(code.toUpperCase(Locale.ROOT), List.of());
  }

  /** By OSM's code, in order. */
  static Map<String, List<Code>> all() {
    return COUNTERPARTS;
  }

  private static Map<String, List<Code>> counterparts() {
    Map<String, List<Code>> all = new LinkedHashMap<>();
    all.put("E1002", List.of(Code.CONTROLLER_UNREADY, Code.MESH_ABSENT));
    all.put("E1003", List.of(Code.DAEMONS_UNREADY));
    all.put("E2002", List.of(Code.MANIFEST_WRONG));
    all.put("E2003", List.of(Code.MANIFEST_WRONG));
    all.put("E2004", List.of(Code.ROUTE_MISSING));
    all.put("E2005", List.of(Code.ROUTE_MISSING));
    all.put("E2006", List.of(Code.MATCH_MISSING));
    all.put("E2009", List.of(Code.ACCOUNT_MISSING, Code.NO_SOURCE));
    all.put("E2010", List.of(Code.END_KIND));
    all.put("E2011", List.of(Code.END_KIND));
    all.put("E3000", List.of(Code.SERVICE_EMPTY, Code.SERVICE_UNREADY));
    all.put("E3002", List.of(Code.MANIFEST_WRONG));
    all.put("E4000", List.of(Code.KEYS_NOT_KEPT));
    all.put("E4003", List.of(Code.ROOTS_UNREADABLE));
    all.put("E4004", List.of(Code.ROOTS_UNREADABLE));
    all.put("E4005", List.of(Code.ROOTS_UNREADABLE));
    all.put("E4012", List.of(Code.ROOTS_UNREADABLE));
    all.put("E4014", List.of(Code.LEAF_MISSING, Code.IDENTITY_FAILS));
    all.put("E4015", List.of(Code.LEAF_MISSING));
    all.put("E4016", List.of(Code.ROOT_NO_CA, Code.AUTHORITY_FAILS));
    all.put("E4017", List.of(Code.LEAF_LATE, Code.ROTATION));
    all.put("E4151", List.of(Code.MANIFEST_WRONG));
    all.put("E4152", List.of(Code.NO_MESHCONFIG));
    all.put("E5002", List.of(Code.POD_PENDING));
    all.put("E5004", List.of(Code.POD_PENDING));
    all.put("E5005", List.of(Code.CONTROLLER_LOST, Code.SNAPSHOT_PROBLEM));
    all.put("E5006", List.of(Code.NODE_BEHIND));
    all.put("E5009", List.of(Code.CONTROLLER_SILENT));
    all.put("E5011", List.of(Code.NODE_GONE));
    all.put("E5018", List.of(Code.SNAPSHOT_PART));
    all.put("E5020", List.of(Code.PORT_UNDECLARED, Code.SEEN_PROTOCOL));
    all.put("E6101", List.of(Code.WEBHOOK_CA));
    all.put("E6102", List.of(Code.WEBHOOK_UNREACHED));
    all.put("E6108", List.of(Code.WORD_UNKNOWN));
    all.put("E6109", List.of(Code.WORD_UNKNOWN));
    all.put("E6110", List.of(Code.EXCLUSION_CONTRADICTS));
    all.put("E6113", List.of(Code.WEBHOOK_SERVICE));
    all.put("E6701", List.of(Code.WEBHOOK_UNREACHED));
    all.put("E6702", List.of(Code.WEBHOOK_CA));
    all.put("E6703", List.of(Code.WEBHOOK_SERVICE));
    all.put("E7001", List.of(Code.CRD_MISSING));
    return all;
  }
}
