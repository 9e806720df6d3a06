# One peer on each instance, found by a DNS name that leads to all of them.

locals {
  friends_name = "peers.${var.zone_name}"
  ami_id       = var.ami_id != "" ? var.ami_id : data.aws_ami.debian[0].id
  s3_object    = startswith(var.package_url, "s3://") ? trimprefix(var.package_url, "s3://") : ""
}

data "aws_partition" "current" {}

data "aws_ami" "debian" {
  count       = var.ami_id == "" ? 1 : 0
  most_recent = true
  # The Debian project's account.
  owners = ["136693071363"]

  filter {
    name   = "name"
    values = ["debian-12-amd64-*"]
  }
}

# --- Network ---

resource "aws_security_group" "peer" {
  name_prefix = "${var.name}-"
  description = "p2p-peer: REST and gRPC among peers, metrics for monitoring"
  vpc_id      = var.vpc_id

  tags = { Name = var.name }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_vpc_security_group_ingress_rule" "among_peers" {
  for_each = { rest = 8001, grpc = 50051 }

  security_group_id            = aws_security_group.peer.id
  referenced_security_group_id = aws_security_group.peer.id
  description                  = "p2p-peer ${each.key}"
  ip_protocol                  = "tcp"
  from_port                    = each.value
  to_port                      = each.value
}

resource "aws_vpc_security_group_ingress_rule" "metrics" {
  security_group_id = aws_security_group.peer.id
  cidr_ipv4         = var.monitoring_cidr
  description       = "p2p-peer metrics"
  ip_protocol       = "tcp"
  from_port         = 9001
  to_port           = 9001
}

# Other peers, the package and Debian's archive.
resource "aws_vpc_security_group_egress_rule" "all" {
  security_group_id = aws_security_group.peer.id
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "-1"
}

# --- What an instance may do: fetch the package ---

data "aws_iam_policy_document" "assume" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["ec2.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "peer" {
  name_prefix        = "${var.name}-"
  assume_role_policy = data.aws_iam_policy_document.assume.json
}

data "aws_iam_policy_document" "package" {
  count = local.s3_object != "" ? 1 : 0

  statement {
    actions   = ["s3:GetObject"]
    resources = ["arn:${data.aws_partition.current.partition}:s3:::${local.s3_object}"]
  }
}

resource "aws_iam_role_policy" "package" {
  count = local.s3_object != "" ? 1 : 0

  name   = "fetch-package"
  role   = aws_iam_role.peer.id
  policy = data.aws_iam_policy_document.package[0].json
}

resource "aws_iam_instance_profile" "peer" {
  name_prefix = "${var.name}-"
  role        = aws_iam_role.peer.name
}

# --- Peers ---

resource "aws_instance" "peer" {
  count = var.peers

  ami                    = local.ami_id
  instance_type          = var.instance_type
  subnet_id              = var.subnet_ids[count.index % length(var.subnet_ids)]
  vpc_security_group_ids = [aws_security_group.peer.id]
  iam_instance_profile   = aws_iam_instance_profile.peer.name

  user_data_replace_on_change = true
  user_data = templatefile("${path.module}/../cloud-init.yaml", {
    friends_name   = local.friends_name
    package_url    = var.package_url
    package_sha256 = var.package_sha256
  })

  # Version 2 only, and for this host only; the peer takes its name from the tag.
  metadata_options {
    http_endpoint               = "enabled"
    http_tokens                 = "required"
    http_put_response_hop_limit = 1
    instance_metadata_tags      = "enabled"
  }

  root_block_device {
    volume_size = var.volume_gigabytes
    volume_type = "gp3"
    encrypted   = true
  }

  tags = { Name = "${var.name}-${count.index + 1}" }

  lifecycle {
    # A newer image is no reason to replace a peer with its files.
    ignore_changes = [ami]
  }
}

# --- Friends: up to eight of the peers in each answer, picked at random by Route 53 ---

resource "aws_route53_zone" "fleet" {
  name = var.zone_name

  vpc {
    vpc_id = var.vpc_id
  }
}

resource "aws_route53_record" "peers" {
  count = var.peers

  zone_id                          = aws_route53_zone.fleet.zone_id
  name                             = local.friends_name
  type                             = "A"
  ttl                              = 30
  records                          = [aws_instance.peer[count.index].private_ip]
  set_identifier                   = aws_instance.peer[count.index].id
  multivalue_answer_routing_policy = true
}
