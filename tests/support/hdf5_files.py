"""HDF5 files that h5py wrote, packed."""

EARLIEST = (
    "c-rll%}&BV5P-Ko>WZQz8l#>_&&GiGf6^%01BpaEn25m@st`+wR80)&9dAB{kK$WtTV|z&?8ZcI&Ucya?0&mLyBF"
    "rwIy_3JmQy5zQlb-s#Q6l?7LsE=e+^NA*n{}4@_Z(mTZFs;`)9TOxB>a|(_%5c|L{4;|Hdlrm&14gV+!#@O|Ikju"
    ">42o^84DGgLC2DP7@2xn<4W-HTQOhdDUmT<2BoEkY7@i$TYrdqKW##ZF<_E=Hr8tl0rZjS{G7S%}0^{+zQ05S#y}"
    "@RbAGy&E2edW<NaH?qicV=1SJAwcXq1U6AjZ4toiT3mz|rl@e>+)LC-5?_c?T{5>>g@eU#gf*=TjAP9mW$ZyH;J_"
    "C$-|7_4_NJo8!R=aLH)&3uK@`FA@CDvz9qy2I)uLaMPupIO`C^z>KK4-+s%RNQpt;s!A<Q3$eCi2$ho-Xn><ldOb"
    "+mw6bB5zCXO^Cd0xkp9bj@+9Z@pSm^IjNTtdU>fg1@Q~i_Gx<"
)
"""By default, with attributes in more than one part of a header."""
LATEST = (
    "c-rgqaB<`1lHy|K;9!7(|4`5^2;mz*#l!jd1pPf+f|wX81OyluHVZ(6Z$PEFm>3ut7(|5_SP(|Q0FONb12Y33g9u"
    "16JGCgWIKC{ks5mn}k3o`=kpW~92s45W;$UE604WDr0X3QtM$8vF^upcQ-v=xpfFudk00PE(hG3cr%8!B4)k?`Zi"
    "N(e7d5O8HN>&O=!KsC%sd*)ti8)F-3QEcOd1;yHK=Ep&oWx3?+knhybS*xKxk)LBsLE?=V{2;}kU$1M!zdU9qhJ("
    "_f>AIEM!_f;1*2dTjDk@x3Md5r&K}-OLdXLZ@KFXk&?o>eWRxK{KP5FM9@0<8Imi%$G{^wr^QeGKU}oR}nUH9}Ai"
    "x1q2?7rA@dO48b%q$~7_q7|!cYe@bFW@)F#y9(W}5"
)
"""With `libver='latest'`."""
DENSE = (
    "c-rgqaB<`1lHy|K;9!7(|4?vQ0>U?dii=*kGs)k>C5VZ!h>=MMStSf`F)=U#)d?}MFfgoRgy?c$f@-&6WEchHgG;"
    "j+54i<-1TcUiiitsh0VBSCK?67q7UC>uG!*a>X(J1gPKePOK>D%>OiVmsLXA_1hYQd}KpO>tA}Ja>m|%9mY|(odA"
    "?p?lRK);uA0q=Qjj%6(p#o?JOlAkvCTRv#I%dr^XQvP!H=w;yAeAbhAYfqF?J6$9AcQ3FUOYgVA&vndFvsh^DMJ&"
    "Iz?#fbTZTH27FCD<-?0*RhQ&w%##O8#3|2^5rpZqUWjKW-@buJ=T80xKEp`xr7cBD|7{riNEZ*C&hrtZVVLQ6dpI"
    "}&qq~f@w_8W$GNCI0Yto(nmW<SShvd013o&9~lsYC!ZEy0q0buFs;8~meTHVQ_;C>RB!U=)mkQ7{Td!6+C7qhJ&a"
    "HQ*K;><S;~V*JI(zy@Z&UKlvv&BMhBKKcj-6?)y%m>HNEctGP>i3SV;91IMQp%n-CfB^^~)EHu@VZ=~lgrSBBLya"
    "+p8fFYNCKzg1Fw~f0sA0uWV}_xI4MUANh8lJZH5M3ZI55;$VyNMSt6_nKA!a~xVJgB5X>Pb8UIr16qTKwH)SUR_{"
    "JgZxbOuRAM(~)A06b1O;9<W58gQcn%_A8A0N#I?iU"
)
"""With attributes in a heap of their own."""
