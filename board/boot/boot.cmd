# U-Boot runs this: it chooses a slot, counts the boot, and starts it. The records and their words
# are those of docs/updates.md. All numbers here are hexadecimal, as setexpr and itest have them.

echo "EXStreamTV: card ${devtype} ${devnum}"
if test "${devtype}" = mmc; then
  setenv at_kernel 0x00200000; setenv at_packed 0x08000000; setenv at_initrd 0x0a000000; setenv at_small 0x07000000
  setenv consoles "console=tty1 console=ttyS1,115200 console=ttyAMA0,115200 console=ttyAMA10,115200"
else
  setenv at_kernel 0x41000000; setenv at_packed 0x48000000; setenv at_initrd 0x4b000000; setenv at_small 0x40f00000
  setenv consoles "console=ttyAMA0"
fi
setenv names "seq order a_left b_left trial boots"
setenv record_0 2000
setenv record_1 4000
${devtype} dev ${devnum}

# Of two records the newer one that is whole counts; the other one is written.
setenv seq; setenv seq_0 0; setenv seq_1 0; setenv whole
for n in 0 1; do
  if test ${n} = 0; then setenv sector ${record_0}; else setenv sector ${record_1}; fi
  setenv seq
  if ${devtype} read ${at_small} ${sector} 1; then
    if env import -c ${at_small} 200 seq; then setenv whole ${whole}${n}; setenv seq_${n} ${seq}; fi
  fi
done
setenv order; setenv a_left; setenv b_left; setenv trial; setenv boots
setenv read; setenv written ${record_0}
if test "${whole}" = 0; then setenv read ${record_0}; fi
if test "${whole}" = 1; then setenv read ${record_1}; fi
if test "${whole}" = 01; then
  if itest ${seq_1} -gt ${seq_0}; then setenv read ${record_1}; else setenv read ${record_0}; fi
fi
if test -n "${read}"; then
  ${devtype} read ${at_small} ${read} 1
  env import -c ${at_small} 200 ${names}
else
  echo "EXStreamTV: no boot record is whole; beginning anew"
  setenv seq 0; setenv order a; setenv a_left 3; setenv b_left 3; setenv boots 0
fi
if test "${read}" = "${record_0}"; then setenv written ${record_1}; fi

# The slot that is first in order, if it has boots left, else the other one; one of them always.
setenv other b
if test "${order}" = b; then setenv other a; else setenv order a; fi
if test "${order}" = a; then setenv order_left ${a_left}; setenv other_left ${b_left}; else setenv order_left ${b_left}; setenv other_left ${a_left}; fi
setenv slot ${order}
if itest "0${order_left}" -lt 1; then
  if itest "0${other_left}" -gt 0; then
    setenv slot ${other}
  else
    echo "EXStreamTV: neither slot has boots left; both begin anew"
    setenv a_left 3; setenv b_left 3
  fi
fi
if test "${slot}" = a; then setexpr a_left ${a_left} - 1; else setexpr b_left ${b_left} - 1; fi
setexpr seq 0${seq} + 1
setexpr boots 0${boots} + 1
env export -c -s 200 ${at_small} ${names}
${devtype} write ${at_small} ${written} 1

# A slot that does not load leaves it to the other one at once. (USB is stopped, since Linux cannot
# use it as U-Boot leaves it. A Raspberry Pi that its own firmware did not start is QEMU's, which
# resets as soon as its watchdog is started: nobody may.)
for n in 1 2; do
  if test "${slot}" = b; then setenv part 3; else setenv part 2; fi
  echo "EXStreamTV: slot ${slot}, order ${order}, left a ${a_left} b ${b_left}, trial ${trial}, boot ${boots}"
  if load ${devtype} ${devnum}:${part} ${at_packed} Image.gz; then
    if unzip ${at_packed} ${at_kernel}; then
      if load ${devtype} ${devnum}:${part} ${at_initrd} initrd.img; then
        setenv initrd_size ${filesize}
        setenv at_tree ${fdt_addr}
        if fdt addr ${at_tree}; then
          echo "EXStreamTV: device tree of the firmware"
        else
          load ${devtype} ${devnum}:${part} ${at_small} ${fdtfile}
          setenv at_tree ${at_small}
          setenv unwatched "systemd.watchdog_sec=0 exstreamtv.unwatched"
        fi
        setenv bootargs "${consoles} loglevel=6 systemd.show_status=error fsck.repair=yes panic=5 exstreamtv.slot=${slot} ${unwatched}"
        if test "${trial}" = "${slot}"; then setenv bootargs "${bootargs} exstreamtv.trial"; fi
        if test "${devtype}" = mmc; then usb stop; fi
        booti ${at_kernel} ${at_initrd}:${initrd_size} ${at_tree}
      fi
    fi
  fi
  echo "EXStreamTV: slot ${slot} does not load"
  if test "${slot}" = a; then setenv slot b; else setenv slot a; fi
done
sleep 3
reset
