package io.sluice.control.issuing;

import io.grpc.Status;
import java.util.Locale;

/** Why a call of a node was refused: one word for answer, log and metric alike. */
public enum RefusalReason {
  /** The call needs a node's certificate and came without one. */
  CERTIFICATE_MISSING(Status.Code.UNAUTHENTICATED),
  /** The client certificate leads to no root of ours, or breaks a rule for leaves. */
  CERTIFICATE_UNTRUSTED(Status.Code.UNAUTHENTICATED),
  /** The client certificate has ended: the node has to be admitted anew. */
  CERTIFICATE_EXPIRED(Status.Code.UNAUTHENTICATED),
  /** The client certificate, or its identity, is on the deny list. */
  CERTIFICATE_DENIED(Status.Code.PERMISSION_DENIED),
  /** The client certificate proves somebody who is no node. */
  NOT_A_NODE(Status.Code.PERMISSION_DENIED),
  /** The connection does not run on TLS 1.3. */
  TLS_TOO_OLD(Status.Code.UNAUTHENTICATED),

  /** Of {@link io.sluice.control.admission.AdmissionException.Reason}. */
  TOKEN_MALFORMED(Status.Code.UNAUTHENTICATED),
  /** Likewise. */
  TOKEN_UNKNOWN(Status.Code.UNAUTHENTICATED),
  /** Likewise. */
  TOKEN_EXPIRED(Status.Code.UNAUTHENTICATED),
  /** Likewise. */
  TOKEN_USED(Status.Code.UNAUTHENTICATED),
  /** Likewise. */
  TOKEN_WRONG_AUDIENCE(Status.Code.UNAUTHENTICATED),
  /** Likewise. */
  TOKEN_WRONG_ACCOUNT(Status.Code.PERMISSION_DENIED),
  /** Likewise. */
  TOKEN_BACKEND_UNREACHABLE(Status.Code.UNAVAILABLE),
  /** Likewise. */
  TOKEN_LIMITED(Status.Code.RESOURCE_EXHAUSTED),

  /** What the node calls itself is no node name. */
  NODE_NAME_MALFORMED(Status.Code.INVALID_ARGUMENT),
  /** The wanted identity is not of the form that the mesh issues. */
  IDENTITY_MALFORMED(Status.Code.INVALID_ARGUMENT),
  /** The certificate request is not PKCS#10 in DER, or too long. */
  REQUEST_MALFORMED(Status.Code.INVALID_ARGUMENT),
  /** The certificate request asks for other names than the wanted identity. */
  REQUEST_NAMES_OTHERS(Status.Code.INVALID_ARGUMENT),
  /** The certificate request is not signed by its own key. */
  KEY_NOT_PROVEN(Status.Code.INVALID_ARGUMENT),
  /** A kind or size of key that the mesh does not take. */
  KEY_REFUSED(Status.Code.INVALID_ARGUMENT),
  /** The key was used before, for another identity or by another node. */
  KEY_REUSED(Status.Code.INVALID_ARGUMENT),

  /** An identity of another trust domain. */
  TRUST_DOMAIN_FOREIGN(Status.Code.PERMISSION_DENIED),
  /** An identity of the mesh itself. */
  IDENTITY_RESERVED(Status.Code.PERMISSION_DENIED),
  /** No pod has this identity. */
  IDENTITY_UNKNOWN(Status.Code.PERMISSION_DENIED),
  /** Pods of this node have the identity, and none of them is in the mesh. */
  POD_NOT_ENROLLED(Status.Code.PERMISSION_DENIED),
  /** Pods of this node have the identity, and share the node's network. */
  POD_ON_HOST_NETWORK(Status.Code.PERMISSION_DENIED),
  /** Pods of this node would have the identity, but nobody gave them a service account. */
  POD_WITHOUT_ACCOUNT(Status.Code.PERMISSION_DENIED),
  /** Pods have the identity, and the registry says of none where it runs. */
  POD_WITHOUT_NODE(Status.Code.PERMISSION_DENIED),
  /** Only pods of other nodes have the identity. */
  POD_ON_OTHER_NODE(Status.Code.PERMISSION_DENIED),

  /** The registry cannot be read as a whole, so that what it lacks says nothing. */
  REGISTRY_INCOMPLETE(Status.Code.UNAVAILABLE),
  /** The authority cannot sign now. */
  AUTHORITY_UNAVAILABLE(Status.Code.UNAVAILABLE),
  /** The node calls too often. */
  TOO_MANY_CALLS(Status.Code.RESOURCE_EXHAUSTED),
  /** The request did not come in time after the call began. */
  REQUEST_TOO_SLOW(Status.Code.DEADLINE_EXCEEDED),
  /** Node and controller share no format of resources. */
  FORMAT_UNKNOWN(Status.Code.FAILED_PRECONDITION),
  /** What the node sends on its stream makes no sense. */
  STREAM_MALFORMED(Status.Code.INVALID_ARGUMENT),
  /** More at once than one caller is given. */
  TOO_MUCH_ASKED(Status.Code.RESOURCE_EXHAUSTED),
  /** The same node follows by a newer call. */
  SUPERSEDED(Status.Code.ABORTED),
  /** A fault of the controller itself. */
  INTERNAL_FAULT(Status.Code.INTERNAL);

  private final Status.Code status;

  RefusalReason(Status.Code status) {
    this.status = status;
  }

  /** The gRPC status that goes with it. */
  public Status.Code status() {
    return status;
  }

  /** The word in trailer, log line and metric label. */
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }
}
