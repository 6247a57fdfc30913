package io.sluice.control.issuing;

import io.sluice.control.issuing.MemberCertificates.MeshMember;
import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.SystemIdentity;
import java.security.cert.X509Certificate;
import java.util.List;
import java.util.Optional;

/** Which node a client certificate proves. Any thread. */
public record NodeCertificates(MemberCertificates members) {
  /**
   * The node of this chain.
   *
   * @param chain leaf first, as it came
   * @throws RefusedException where it proves no node of this mesh
   */
  public Caller caller(List<X509Certificate> chain) {
    MeshMember member = members.member(chain);
    String nodeName =
        SystemIdentity.nodeName(member.identity())
            .orElseThrow(() ->
                new RefusedException(
                    RefusalReason.NOT_A_NODE,
                    member.identity() + " is no node of the mesh",
                    "call with the node's own certificate"));
    return new Caller(nodeName, member.identity(), chain);
  }

  /**
   * Why a call that {@code caller} began is to end now; empty while its certificate proves the
   * node, and while the authority cannot be asked.
   */
  public Optional<RefusedException> noLongerProven(Caller caller) {
    return members.noLongerProven(new MeshMember(caller.identity(), caller.chain()));
  }

  /**
   * The node at the other end, by its certificate alone.
   *
   * @param nodeName which node it is
   * @param identity as the certificate says it
   * @param chain leaf first, as the node sent it
   */
  public record Caller(String nodeName, SpiffeId identity, List<X509Certificate> chain) {
    public Caller {
      chain = List.copyOf(chain);
    }

    /** The node's own certificate. */
    public X509Certificate leaf() {
      return chain.getFirst();
    }
  }
}
